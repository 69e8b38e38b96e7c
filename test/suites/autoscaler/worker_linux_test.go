package autoscaler

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// workerScript is a metric method: a worker that notes its start, its number and its end, and hangs once for each file hang.
const workerScript = `
import os, time
import cpa_worker

def metric(known):
    if os.path.exists("hang"):
        os.rename("hang", "hangs")
        time.sleep(1000)
    return known["resource"]["metadata"]["name"]

with open("starts", "a") as starts:
    print(os.getpid(), file=starts)
cpa_worker.serve(metric)
with open("drained", "w") as drained:
    print("yes", file=drained)
`

func TestAWorkerThatFailsCostsOnePass(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	python, err := filepath.Abs(harness.Root + "/userlogic/python")
	if err != nil {
		t.Fatal(err)
	}
	mark := newMark(t)
	files := harness.Replies(3)
	files["metric.py"] = workerScript
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: files, Env: []string{
		mark, "PYTHONPATH=" + python, "interval=100",
		`metric={type: worker, timeout: 2000, worker: {entrypoint: python3, command: [metric.py]}}`,
	}})
	harness.ScalesTo(t, namespace, 3)
	p.Passes("evaluate", 5)
	if starts := workerStarts(p); len(starts) != 1 {
		t.Errorf("it was started %d times", len(starts))
	}

	// killed while it has a document
	before := p.Mark()
	p.Write("hang", "")
	p.Eventually("it has a document", func() (bool, error) { return isThere(p, "hangs"), nil })
	killWorker(p)
	p.LogsAfter(before, "pass failed, nothing was scaled", "signal: killed (out of memory?")
	p.LogsAfter(before, "recovered", "failedPasses=1")

	// killed while it has none, or has one: chance says, and it is one pass at most
	before = p.Mark()
	killWorker(p)
	p.LogsAfter(before, "a worker ended", "signal: killed")
	p.Passes("evaluate", 5)

	// hanging
	if err := os.Remove(filepath.Join(p.Dir, "hangs")); err != nil {
		t.Fatal(err)
	}
	before = p.Mark()
	p.Write("hang", "")
	p.LogsAfter(before, "pass failed, nothing was scaled", "no reply within its timeout of 2s")
	p.LogsAfter(before, "recovered", "failedPasses=1")
	if failed := strings.Count(p.Printed.String(), "pass failed"); failed < 2 || failed > 3 {
		t.Errorf("%d passes failed", failed)
	}

	p.Passes("evaluate", 5)
	endsWithin(p, 3*time.Second, syscall.SIGTERM)
	if !isThere(p, "drained") {
		t.Error("the worker was not let end")
	}
	if left := marked(t, mark); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// workerStarts are the processes of the worker, in the order in which they were started.
func workerStarts(p *harness.Program) (pids []int) {
	p.Helper()
	for line := range strings.Lines(p.Read("starts")) {
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			p.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// killWorker kills the worker that runs.
func killWorker(p *harness.Program) {
	p.Helper()
	starts := workerStarts(p)
	if err := syscall.Kill(starts[len(starts)-1], syscall.SIGKILL); err != nil {
		p.Fatal(err)
	}
}

func isThere(p *harness.Program, name string) bool {
	_, err := os.Stat(filepath.Join(p.Dir, name))
	return err == nil
}
