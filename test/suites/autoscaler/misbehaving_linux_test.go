package autoscaler

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestUserCodeThatMisbehavesLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	for _, row := range []struct {
		name    string
		metric  string
		timeout int // ms
		spoil   func(path string) error
		says    []string
	}{
		{name: "hangs", metric: "sleep 1000", timeout: 50,
			says: []string{"no reply within its timeout of 50ms (timeout: 50 ms); its processes were ended"}},
		{name: "hangs and ignores TERM", metric: "trap '' TERM; while :; do sleep 1000; done", timeout: 50,
			says: []string{"no reply within its timeout of 50ms"}},
		{name: "leaves a child that holds the pipe", metric: "sleep 1000 & echo 1", timeout: 200,
			says: []string{"no reply within its timeout of 200ms", "a process that it started kept standard output open"}},
		{name: "replies with 1 GiB", metric: "head -c 1073741824 /dev/zero", timeout: 60000,
			says: []string{"a reply of more than 1048576 bytes (maxReplyBytes: 1048576)"}},
		{name: "fails", metric: "echo no queue >&2; exit 3", timeout: 60000,
			says: []string{"exit status 3", `standard error ends: \"no queue\"`}},
		{name: "is not executable", timeout: 60000,
			spoil: func(path string) error { return os.Chmod(path, 0o644) },
			says:  []string{"permission denied", "it may not be executed: chmod +x it"}},
		{name: "is missing", timeout: 60000, spoil: os.Remove,
			says: []string{"there is no such program: is it in the image, and is entrypoint right?"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			mark := newMark(t)
			p := harness.Start(t, harness.Options{
				Config: harness.BaseConfig(namespace), Flags: harness.PlainFlags,
				Files: map[string]string{"evaluate.reply": `{"targetReplicas": 1}`, "run": "#!/bin/sh\n" + row.metric + "\n"},
				Env: []string{mark, "interval=20", "logVerbosity=1",
					fmt.Sprintf("metric={type: shell, timeout: %d, shell: {entrypoint: ./run}}", row.timeout)},
			})
			if row.spoil != nil {
				if err := row.spoil(filepath.Join(p.Dir, "run")); err != nil {
					t.Fatal(err)
				}
			}
			p.Logs(append(row.says, "pass failed, nothing was scaled", "running metric (./run)")...)
			keepsNothingOfFailures(p, mark)

			p.Write("run", "#!/bin/sh\ncat > /dev/null; echo 1\n")
			p.Logs("recovered", "failedPasses=")
			p.Passes("evaluate", 1)
			if code := p.Stop(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if left := marked(t, mark); len(left) > 0 {
				t.Errorf("processes %v are left", left)
			}
		})
	}
}

// keepsNothingOfFailures watches the program fail many times. At any moment a run may be under way, which has some
// files, threads and processes; what is kept of each would be many more.
func keepsNothingOfFailures(p *harness.Program, mark string) {
	p.Helper()
	const repetitions, some = 50, 10
	fails(p, 5) // what the program keeps for good is there by now
	files, threads, running := p.OpenFiles(), p.Threads(), marked(p.T, mark)
	fails(p, repetitions)
	p.Eventually("open files to be as few as before", func() (bool, error) {
		now := p.OpenFiles()
		return now <= files+some, fmt.Errorf("%d, before %d", now, files)
	})
	p.Eventually("threads to be as few as before", func() (bool, error) {
		now := p.Threads()
		return now <= threads+some, fmt.Errorf("%d, before %d", now, threads)
	})
	still := marked(p.T, mark)
	for _, pid := range running {
		if pid != p.Cmd.Process.Pid && slices.Contains(still, pid) {
			p.Errorf("process %d outlived its run", pid)
		}
	}
}

// A program need not read its document, even one that is larger than a pipe holds.
func TestUserCodeThatClosesItsInputIsFine(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.Kubectl(t, "", "annotate", "-n", namespace, "deployment", "web", "large="+strings.Repeat("x", 100_000))
	p := harness.Start(t, harness.Options{
		Config: harness.BaseConfig(namespace), Files: harness.Replies(2),
		Env: []string{`metric={type: shell, timeout: 60000, shell: {command: ["-c", "exec <&-; echo 1"]}}`},
	})
	harness.ScalesTo(t, namespace, 2)
	p.Passes("evaluate", 5)
	if strings.Contains(p.Printed.String(), "pass failed") {
		t.Error("a pass failed")
	}
}

// TestAsTheFirstProcessItReapsOrphans runs the program as process 1 of its own, as in a container, with a metric
// method that leaves daemons behind. The /proc here is that of another process namespace, in which the program cannot
// find them, so they outlive their run.
func TestAsTheFirstProcessItReapsOrphans(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{
		Config: harness.BaseConfig(namespace), Files: harness.Replies(1), Attr: harness.ProcessOne(),
		Env: []string{"interval=50",
			`metric={type: shell, timeout: 60000, shell: {command: ["-c", "rm -f up; setsid sh -c 'touch up; sleep 0.1; echo >> daemons' >/dev/null 2>&1 </dev/null & until [ -e up ]; do sleep 0.01; done; echo 1"]}}`},
	})
	const daemons = 50
	p.Eventually("daemons to end", func() (bool, error) { return strings.Count(p.Read("daemons"), "\n") >= daemons, nil })
	p.Eventually("them to be reaped", func() (bool, error) {
		left := zombies(t, p.Cmd.Process.Pid)
		return left < daemons/10, fmt.Errorf("%d are left", left)
	})
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// fails waits for so many more failed passes.
func fails(p *harness.Program, more int) {
	p.Helper()
	count := func() int { return strings.Count(p.Printed.String(), "pass failed, nothing was scaled") }
	before := count()
	p.Eventually(fmt.Sprintf("%d more failed passes", more), func() (bool, error) { return count() >= before+more, nil })
}
