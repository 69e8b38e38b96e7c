package harness

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Author is somebody who writes an autoscaler: a folder with its configuration and the record script.
type Author struct {
	*testing.T
	Dir string
}

// NewAuthor is one with a configuration, and with further files.
func NewAuthor(t *testing.T, config string, files map[string]string) Author {
	t.Helper()
	a := Author{t, t.TempDir()}
	a.Write("config.yaml", config)
	a.Write("record", record)
	for name, text := range files {
		a.Write(name, text)
	}
	return a
}

// Write puts a file into the folder.
func (a Author) Write(name, text string) {
	a.Helper()
	if err := os.WriteFile(filepath.Join(a.Dir, name), []byte(text), 0o755); err != nil {
		a.Fatal(err)
	}
}

// Runs runs a command of the program there, as the kubeconfig's user, and gives what it prints. It has to end with the code.
func (a Author) Runs(code int, kubeconfig, command string, arguments ...string) (stdout, stderr string) {
	a.Helper()
	return a.RunsProgram(code, append([]string{command, "--config", "config.yaml", "--kubeconfig", kubeconfig}, arguments...)...)
}

// RunsProgram runs the program there with just these arguments. It has to end with the code.
func (a Author) RunsProgram(code int, arguments ...string) (stdout, stderr string) {
	a.Helper()
	program := exec.CommandContext(a.Context(), Build(a.T, "-race"), arguments...)
	program.Dir = a.Dir
	var out, words bytes.Buffer
	program.Stdout, program.Stderr = &out, &words
	err := program.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		a.Fatal(err)
	}
	if got := program.ProcessState.ExitCode(); got != code {
		a.Fatalf("%s ended with %d, want %d\n%s%s", strings.Join(arguments, " "), got, code, &out, &words)
	}
	return out.String(), words.String()
}

// Has looks for a line that has all the words.
func (a Author) Has(text string, words ...string) {
	a.Helper()
	for line := range strings.Lines(text) {
		if ContainsAll(line, words) {
			return
		}
	}
	a.Errorf("no line has %q:\n%s", words, text)
}
