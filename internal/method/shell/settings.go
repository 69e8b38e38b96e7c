package shell

import (
	"context"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/executable"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

// Settings are those of a program that reads its document from standard input and replies on standard output.
type Settings struct {
	Entrypoint string   `json:"entrypoint"`
	Command    []string `json:"command"`
	LogStderr  bool     `json:"logStderr"`
}

var keys = []rule.Key{
	{Name: "entrypoint", Meaning: "the program to run", Rule: rule.NotEmpty()},
	{Name: "command", Meaning: "the program's arguments"},
	{Name: "logStderr", Meaning: "whether standard error is logged when the program succeeds; when it fails it always is"},
}

// Description is that of a method.Kind.
func (*Settings) Description() method.Description {
	return method.Description{Meaning: "the program to run", Keys: keys}
}

// SetDefaults is that of a method.Kind.
func (s *Settings) SetDefaults() { s.Entrypoint = "/bin/sh" }

// Open is that of a method.Kind.
func (s *Settings) Open(common method.Common) (method.Logic, error) {
	return &shell{Settings: *s, Common: common}, nil
}

// Runs is that of a method.Concurrent: a program that is started wants a CPU for itself.
func (*Settings) Runs() (usual, most int) { return runtime.GOMAXPROCS(0), 0 }

// Starts is that of a method.Started: of a shell with one command, it is that command's program.
func (s *Settings) Starts() string {
	if strings.HasSuffix(filepath.Base(s.Entrypoint), "sh") && len(s.Command) > 1 && s.Command[0] == "-c" {
		program, _, _ := strings.Cut(strings.TrimSpace(s.Command[1]), " ")
		return program
	}
	return s.Entrypoint
}

// Check is that of a method.Checked.
func (s *Settings) Check(ctx context.Context, of method.Common, _ bool) []finding.Item {
	return executable.Look(ctx, of.Name, "shell", s.Entrypoint, s.Command, true)
}
