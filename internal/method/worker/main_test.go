package worker

import (
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(goWorker) != "" {
		beWorker()
		return
	}
	methodtest.Main(m)
}

// logic is a method of this kind, as a configuration has it.
type logic struct {
	Timeout       span.Milliseconds
	MaxReplyBytes int64
	Worker        *Settings
}

func (l logic) settings(log *slog.Logger) method.Settings {
	return method.Settings{Type: "worker", Kind: l.Worker, Common: method.Common{Name: "metric", Timeout: l.Timeout.Duration(), MaxReplyBytes: l.MaxReplyBytes, Log: log}}
}

// mustNew is the runner of a method named metric.
func mustNew(t testing.TB, l logic) *method.Method {
	t.Helper()
	runner, err := open(l, slog.New(slog.DiscardHandler), func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}
	return runner
}

// open opens it for who listens to its log or to its runs.
func open(l logic, log *slog.Logger, ran func(method.Run)) (*method.Method, error) {
	kept := &keeper{Settings: l.Worker}
	of := l.settings(log)
	of.Kind = kept
	opened, err := method.Open(of, ran)
	behind.Store(opened.Runner, kept.opened)
	return opened.Runner, err
}

// keeper is the kind, and keeps what it opened.
type keeper struct {
	*Settings
	opened *worker
}

func (k *keeper) Open(common method.Common) (method.Logic, error) {
	logic, err := k.Settings.Open(common)
	k.opened, _ = logic.(*worker)
	return logic, err
}

// behind are the workers behind runners.
var behind sync.Map

// workerOf is what runs behind a runner.
func workerOf(m *method.Method) *worker {
	of, _ := behind.Load(m)
	return of.(*worker)
}
