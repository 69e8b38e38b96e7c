package autoscaler

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestEndsAsSoonAsUserCodeAllows(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	for _, row := range []struct {
		name   string
		env    []string
		signal os.Signal
		after  string        // the log line or file to wait for before the signal
		within time.Duration // that user code has left
		leaves string        // a file that has to be there in the end
	}{
		{name: "in the start delay", env: []string{"startTime=1000000000000"}, signal: syscall.SIGTERM, after: "msg=started"},
		{name: "between passes", env: []string{"interval=3000"}, signal: syscall.SIGTERM, after: "kept replicas"},
		{name: "between passes, by Ctrl-C", env: []string{"interval=3000"}, signal: os.Interrupt, after: "kept replicas"},
		{
			name: "a metric method that runs is let end", signal: syscall.SIGTERM, after: "begun", within: 2 * time.Second, leaves: "ended",
			env: []string{`metric={type: shell, timeout: 60000, shell: {command: ["-c", "echo > begun; sleep 2; echo > ended; echo 1"]}}`},
		},
		{
			name: "a metric method that hangs has its timeout", signal: syscall.SIGTERM, after: "begun", within: 2 * time.Second, leaves: "begun",
			env: []string{`metric={type: shell, timeout: 2000, shell: {command: ["-c", "echo > begun; sleep 1000"]}}`},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			mark := newMark(t)
			p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(1), Env: append(row.env, mark), Flags: harness.PlainFlags})
			p.Eventually("the moment to come", func() (bool, error) {
				return p.Read(row.after) != "" || strings.Contains(p.Printed.String(), row.after), nil
			})
			evaluated := p.Calls("evaluate")
			endsWithin(p, row.within+time.Second, row.signal)
			if row.leaves != "" && p.Read(row.leaves) == "" {
				t.Error("the metric method was cut short")
			}
			if p.Calls("evaluate") != evaluated {
				t.Error("evaluate was run after the program was asked to end")
			}
			if left := marked(t, mark); len(left) > 0 {
				t.Errorf("processes %v are left", left)
			}
		})
	}
}

func TestEndsWhileTheAPIServerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	proxy := harness.StartProxy(t)
	asked := make(chan struct{}, 1000)
	proxy.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		asked <- struct{}{}
		return harness.Never(w, r)
	})
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Env: []string{"requestTimeout=60000"}, Kube: proxy.Kubeconfig, Flags: harness.PlainFlags})
	select {
	case <-asked:
	case <-time.After(harness.Patience):
		t.Fatal("it asked for nothing")
	}
	endsWithin(p, time.Second, syscall.SIGTERM)
	if strings.Contains(p.Printed.String(), "pass failed") {
		t.Error("the pass that was cut short was called a failure")
	}
}

// endsWithin asks the program to end, and checks that it does so well and in time.
func endsWithin(p *harness.Program, limit time.Duration, signal os.Signal) {
	p.Helper()
	asked := time.Now()
	if err := p.Cmd.Process.Signal(signal); err != nil {
		p.Fatal(err)
	}
	select {
	case <-p.Exited:
	case <-time.After(harness.Patience):
		p.Fatal("it did not end")
	}
	if took := time.Since(asked); took > limit {
		p.Errorf("it took %s to end, want at most %s", took, limit)
	}
	if code := p.Cmd.ProcessState.ExitCode(); code != 0 {
		p.Errorf("exit code %d, want 0", code)
	}
	if !strings.Contains(p.Printed.String(), "msg=stopped") {
		p.Error("it did not say that it stopped")
	}
}
