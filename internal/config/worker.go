package config

import (
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
)

// WorkerMethod is the type of a Method that sends its documents to a program that is kept running.
const WorkerMethod = "worker"

// Worker is a program that is started once, and reads a document and answers it line by line.
type Worker struct {
	Entrypoint   string            `json:"entrypoint"`
	Command      []string          `json:"command"`
	Concurrency  int               `json:"concurrency"`
	StartTimeout span.Milliseconds `json:"startTimeout"`
}

var workerKeys = []key[Worker]{
	{"entrypoint", "the program to run", rule.NotEmpty()},
	{name: "command", meaning: "the program's arguments"},
	{"concurrency", "how many documents it is given at a time; further ones wait", rule.From(1, 1024)},
	{"startTimeout", "the longest that it may take from its start to its first line", positiveMilliseconds},
}

var workerForm = form[Method]{WorkerMethod, func(l *ledger, under string, m *Method) {
	check(l, under+"worker.", workerKeys, m.Worker)
}}

func (w *Worker) setDefaults() { w.Concurrency, w.StartTimeout = 1, 30_000 }

// Starting is how long a run may take, at most, before its document is sent.
func (m *Method) Starting() time.Duration {
	if m.Type != WorkerMethod || m.Worker == nil {
		return 0
	}
	return m.Worker.StartTimeout.Duration()
}

// Longest is how long a run may take, at most, with what comes before it.
func (m *Method) Longest() time.Duration { return m.Starting() + m.Timeout.Duration() }
