package method_test

import (
	"log/slog"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/shell"
)

func TestMain(m *testing.M) { methodtest.Main(m) }

// script is a shell method.
func script(text string) config.Method {
	return config.Method{Type: "shell", Timeout: 5_000, MaxReplyBytes: 1 << 20, Shell: &shell.Settings{Entrypoint: "/bin/sh", Command: []string{"-c", text}}}
}

func open(name string, m config.Method, ran func(method.Run)) (*method.Method, error) {
	opened, err := method.Open(m.With(name, slog.New(slog.DiscardHandler)), ran)
	return opened.Runner, err
}

// mustNew is the runner of a method named metric.
func mustNew(t testing.TB, m config.Method) *method.Method {
	t.Helper()
	return methodtest.Open(t, m.With("metric", slog.New(slog.DiscardHandler)))
}
