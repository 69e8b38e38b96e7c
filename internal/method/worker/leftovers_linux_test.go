package worker

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/shell"
)

func TestWorkerLeftoversEndWithTheWorker(t *testing.T) {
	for _, row := range methodtest.Escapes {
		if strings.Contains(row.Name, "Python") || strings.HasPrefix(row.Name, "a group") {
			continue // the script is one line of another script here
		}
		for end, then := range map[string]string{"closed": echoes, "failed": `read -r line; echo '{"id":1,"reply":"ok"}'; read -r line; exit 4`} {
			t.Run(row.Name+" of a worker that is "+end, func(t *testing.T) {
				dir := t.TempDir()
				t.Setenv("DIR", dir)
				runner := mustNew(t, talks(fmt.Sprintf(row.Script, methodtest.Lasting(t, "kept"))+"\n"+then))
				t.Cleanup(runner.Close)
				if reply, err := runner.Run(t.Context(), method.Whole([]byte("{}"))); reply != "ok" {
					t.Errorf("got %q, %v", reply, err)
				}
				if row.Name != "a stopped process" {
					methodtest.Eventually(t, "its processes run", func() bool { return len(methodtest.Named(t, "kept")) > 0 })
				}
				if end == "failed" {
					_, err := runner.Run(t.Context(), method.Whole([]byte("{}")))
					methodtest.WantError(t, err, "exit status 4")
				} else {
					_, _ = another(t).Run(t.Context(), method.Document{}) // a run of another method does not end them
					if row.Name != "a stopped process" && len(methodtest.Named(t, "kept")) == 0 {
						t.Error("they ended before their worker")
					}
					runner.Close()
				}
				if left := methodtest.Named(t, "kept"); len(left) > 0 {
					t.Errorf("left: %+v", left)
				}
				methodtest.NobodyIsLeft(t)
			})
		}
	}
}

// another is a method that has nothing to do with a worker.
func another(t *testing.T) *method.Method {
	return methodtest.Open(t, method.Settings{Type: "shell", Kind: &shell.Settings{Entrypoint: "/bin/true"}, Common: method.Common{
		Name: "evaluate", Timeout: 20 * time.Second, MaxReplyBytes: 1 << 10, Log: slog.New(slog.DiscardHandler),
	}})
}

// orphansAreReaped wants no child left when runs have gone on for a while.
func orphansAreReaped(t *testing.T) {
	t.Helper()
	methodtest.Eventually(t, "runs reap orphans", func() bool {
		_, _ = another(t).Run(t.Context(), method.Document{})
		return len(methodtest.Processes(t, func(p methodtest.Process) bool { return p.Parent == os.Getpid() })) == 0
	})
}
