package config

import "github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"

// ShellMethod is the type of a Method that runs a program.
const ShellMethod = "shell"

// Shell is a program that reads its document from standard input and replies on standard output.
type Shell struct {
	Entrypoint string   `json:"entrypoint"`
	Command    []string `json:"command"`
	LogStderr  bool     `json:"logStderr"`
}

var shellKeys = []key[Shell]{
	{"entrypoint", "the program to run", rule.NotEmpty()},
	{name: "command", meaning: "the program's arguments"},
	{name: "logStderr", meaning: "whether standard error is logged when the program succeeds; when it fails it always is"},
}

var shellForm = form[Method]{ShellMethod, func(l *ledger, under string, m *Method) {
	check(l, under+"shell.", shellKeys, m.Shell)
}}

func (s *Shell) setDefaults() { s.Entrypoint = "/bin/sh" }
