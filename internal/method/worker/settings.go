// Package worker is the kind of method that keeps a program running, which is given a document and answers it line by line.
package worker

import (
	"context"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/executable"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

// Settings are those of a program that is started once, and reads a document and answers it line by line.
type Settings struct {
	Entrypoint   string            `json:"entrypoint"`
	Command      []string          `json:"command"`
	Concurrency  int               `json:"concurrency"`
	StartTimeout span.Milliseconds `json:"startTimeout"`
}

var keys = []rule.Key{
	{Name: "entrypoint", Meaning: "the program to run", Rule: rule.NotEmpty()},
	{Name: "command", Meaning: "the program's arguments"},
	{Name: "concurrency", Meaning: "how many documents it is given at a time; further ones wait", Rule: rule.From(1, 1024)},
	{Name: "startTimeout", Meaning: "the longest that it may take from its start to its first line", Rule: rule.Span(1, time.Millisecond)},
}

// Description is that of a method.Kind.
func (*Settings) Description() method.Description {
	return method.Description{Meaning: "the program to keep running", Keys: keys}
}

// SetDefaults is that of a method.Kind.
func (s *Settings) SetDefaults() { s.Concurrency, s.StartTimeout = 1, 30_000 }

// Open is that of a method.Kind.
func (s *Settings) Open(common method.Common) (method.Logic, error) {
	return &worker{Settings: *s, Common: common, now: time.Now, turns: make(chan struct{}, s.Concurrency)}, nil
}

// Starting is that of a method.Starter.
func (s *Settings) Starting() time.Duration { return s.StartTimeout.Duration() }

// Runs is that of a method.Concurrent: a worker takes no more than it says.
func (s *Settings) Runs() (usual, most int) { return s.Concurrency, s.Concurrency }

// Check is that of a method.Checked.
func (s *Settings) Check(ctx context.Context, of method.Common, _ bool) []finding.Item {
	return executable.Look(ctx, of.Name, "worker", s.Entrypoint, s.Command, false)
}
