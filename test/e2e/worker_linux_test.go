package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
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
	namespace := deploy(t, 1)
	python, err := filepath.Abs("../../userlogic/python")
	if err != nil {
		t.Fatal(err)
	}
	mark := newMark(t)
	files := replies(3)
	files["metric.py"] = workerScript
	p := start(t, options{config: base(namespace), files: files, env: []string{
		mark, "PYTHONPATH=" + python, "interval=100",
		`metric={type: worker, timeout: 2000, worker: {entrypoint: python3, command: [metric.py]}}`,
	}})
	scalesTo(t, namespace, 3)
	p.passes("evaluate", 5)
	if starts := p.starts(); len(starts) != 1 {
		t.Errorf("it was started %d times", len(starts))
	}

	// killed while it has a document
	before := p.mark()
	p.write("hang", "")
	p.eventually("it has a document", func() (bool, error) { return p.there("hangs"), nil })
	p.kill()
	p.logsAfter(before, "pass failed, nothing was scaled", "signal: killed (out of memory?")
	p.logsAfter(before, "recovered", "failedPasses=1")

	// killed while it has none, or has one: chance says, and it is one pass at most
	before = p.mark()
	p.kill()
	p.logsAfter(before, "a worker ended", "signal: killed")
	p.passes("evaluate", 5)

	// hanging
	if err := os.Remove(filepath.Join(p.dir, "hangs")); err != nil {
		t.Fatal(err)
	}
	before = p.mark()
	p.write("hang", "")
	p.logsAfter(before, "pass failed, nothing was scaled", "no reply within its timeout of 2s")
	p.logsAfter(before, "recovered", "failedPasses=1")
	if failed := strings.Count(p.log.String(), "pass failed"); failed < 2 || failed > 3 {
		t.Errorf("%d passes failed", failed)
	}

	p.passes("evaluate", 5)
	p.endsWithin(3*time.Second, syscall.SIGTERM)
	if !p.there("drained") {
		t.Error("the worker was not let end")
	}
	if left := marked(t, mark); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// starts are the processes of the worker, in the order in which they were started.
func (p *program) starts() (pids []int) {
	p.Helper()
	for line := range strings.Lines(p.read("starts")) {
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			p.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// kill kills the worker that runs.
func (p *program) kill() {
	p.Helper()
	starts := p.starts()
	if err := syscall.Kill(starts[len(starts)-1], syscall.SIGKILL); err != nil {
		p.Fatal(err)
	}
}

func (p *program) there(name string) bool {
	_, err := os.Stat(filepath.Join(p.dir, name))
	return err == nil
}
