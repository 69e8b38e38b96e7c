package http

import (
	"log/slog"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
)

// logic is a method of this kind, as a configuration has it.
type logic struct {
	Timeout       span.Milliseconds
	MaxReplyBytes int64
	HTTP          *Settings
}

func (l logic) settings(log *slog.Logger) method.Settings {
	return method.Settings{Type: "http", Kind: l.HTTP, Common: method.Common{Name: "metric", Timeout: l.Timeout.Duration(), MaxReplyBytes: l.MaxReplyBytes, Log: log}}
}

// mustNew is the runner of a method named metric.
func mustNew(t testing.TB, l logic) *method.Method {
	t.Helper()
	return methodtest.Open(t, l.settings(slog.New(slog.DiscardHandler)))
}

// timed runs once and holds the run to the promise about its end.
func timed(t *testing.T, l logic, document string) (string, error) {
	t.Helper()
	return methodtest.Timed(t, l.settings(slog.New(slog.DiscardHandler)), document)
}
