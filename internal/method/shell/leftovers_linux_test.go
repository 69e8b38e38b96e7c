package shell

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
)

// TestShellLeftovers runs each escape to a success, a failure and a timeout, and wants nothing left.
func TestShellLeftovers(t *testing.T) {
	for _, row := range methodtest.Escapes {
		for end, then := range map[string]string{"success": "echo ok", "failure": "exit 3", "timeout": "sleep 600"} {
			t.Run(row.Name+" after a "+end, func(t *testing.T) {
				if strings.Contains(row.Script, "python3") {
					if _, err := exec.LookPath("python3"); err != nil {
						t.Fatalf("install Python: apt-get install python3 (%v)", err)
					}
				}
				t.Setenv("LEADER", t.TempDir()+"/leader")
				m := script("echo $$ >$LEADER; " + fmt.Sprintf(row.Script, methodtest.Lasting(t, "escaped")) + "\n" + then)
				if m.Timeout = 10_000; end == "timeout" {
					m.Timeout = 1000
				}
				_, err := timed(t, m, "")
				switch end {
				case "success":
					if err != nil {
						t.Error(err)
					}
				case "failure":
					methodtest.WantError(t, err, "exit status 3")
				case "timeout":
					methodtest.WantError(t, err, "(timeout: 1000 ms); its processes were ended")
				}
				if left := methodtest.Named(t, "escaped"); len(left) > 0 {
					t.Errorf("left: %+v", left)
				}
				methodtest.NoTrace(t, os.Getenv("LEADER"))
			})
		}
	}
}

// TestShellLeftoversThatStartOthersAndExit chases a chain of processes, of which each lives for a moment only.
func TestShellLeftoversThatStartOthersAndExit(t *testing.T) {
	t.Setenv("DIR", t.TempDir())
	methodtest.Write(t, os.Getenv("DIR")+"/chain", "#!/bin/sh\ntrap '' TERM\n[ -e $DIR/end ] || setsid $DIR/chain"+methodtest.Quiet+" &\n", 0o755)
	t.Cleanup(func() { methodtest.Write(t, os.Getenv("DIR")+"/end", "", 0o644) })
	for range 5 {
		if reply, err := timed(t, script("setsid $DIR/chain"+methodtest.Quiet+" & echo ok"), ""); reply != "ok\n" || err != nil {
			t.Errorf("got %q, %v", reply, err)
		}
		methodtest.NobodyIsLeft(t)
	}
}

// TestShellLeftoversThatBecomeOthers has a process that becomes another program over and over. In the middle of that it has no environment
// by which it could be known.
func TestShellLeftoversThatBecomeOthers(t *testing.T) {
	t.Setenv("DIR", t.TempDir())
	methodtest.Write(t, os.Getenv("DIR")+"/becoming", "#!/bin/sh\nexec $DIR/becoming\n", 0o755)
	for range 50 {
		if reply, err := timed(t, script("setsid $DIR/becoming"+methodtest.Quiet+" & echo ok"), ""); reply != "ok\n" || err != nil {
			t.Errorf("got %q, %v", reply, err)
		}
		if left := methodtest.Named(t, "becoming"); len(left) > 0 {
			t.Fatalf("left: %+v", left)
		}
	}
}

// TestShellLeftoversOfOtherRunsLiveOn has 32 runs at the same time, each with daemons. Those of a run end with it and not before.
func TestShellLeftoversOfOtherRunsLiveOn(t *testing.T) {
	const parallel = 32
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	var all sync.WaitGroup
	ended, ends := make([]chan struct{}, parallel), make([]*os.File, parallel)
	daemons := make([]string, parallel)
	for i := range parallel { // before the first fork, which would inherit a program that is being written
		daemons[i], ended[i], ends[i] = methodtest.Lasting(t, fmt.Sprint("daemon", i)), make(chan struct{}), methodtest.Pipe(t, fmt.Sprint(dir, "/end", i))
	}
	release := func(i int) { _, _ = ends[i].WriteString("end\n") }
	t.Cleanup(func() {
		for i := range parallel {
			release(i)
		}
		all.Wait()
	})
	for i, daemon := range daemons {
		m := script(fmt.Sprintf(`setsid %[1]s%[3]s & (setsid sh -c '%[1]s & exit'%[3]s &); read -r end <$DIR/end%[2]d`, daemon, i, methodtest.Quiet))
		m.Timeout = 120_000
		all.Go(func() {
			defer close(ended[i])
			if _, err := mustNew(t, m).Run(t.Context(), method.Document{}); err != nil {
				t.Errorf("run %d: %v", i, err)
			}
		})
	}
	alive := func(i int) int { return len(methodtest.Named(t, fmt.Sprint("daemon", i))) }
	for i := range parallel {
		methodtest.Within(t, time.Minute, fmt.Sprintf("run %d has two daemons", i), func() bool { return alive(i) == 2 })
	}
	for i := range parallel {
		release(i)
		<-ended[i]
		if n := alive(i); n != 0 {
			t.Errorf("%d daemons of run %d outlived it", n, i)
		}
		if next := i + 1; next < parallel && alive(next) != 2 {
			t.Errorf("of the run %d, which goes on, %d daemons are left", next, alive(next))
		}
	}
	all.Wait()
	orphansAreReaped(t)
}

// TestShellLeftoversWithoutAMarkEndWithTheLastRun has a process with a cleared environment that two runs could have started.
func TestShellLeftoversWithoutAMarkEndWithTheLastRun(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	long := script("touch $DIR/up; until [ -e $DIR/end ] || [ $((n+=1)) -gt 6000 ]; do sleep 0.02; done")
	long.Timeout = 60_000
	var other sync.WaitGroup
	other.Go(func() { _, _ = mustNew(t, long).Run(t.Context(), method.Document{}) })
	methodtest.Eventually(t, "the other run starts", func() bool { return methodtest.Exists(dir + "/up") })
	_, _ = timed(t, script("env -i setsid "+methodtest.Lasting(t, "unmarked")+methodtest.Quiet+" & until pgrep -x unmarked >/dev/null; do :; done"), "")
	if left := methodtest.Named(t, "unmarked"); len(left) != 1 {
		t.Errorf("while another run goes on that could have started it: %+v", left)
	}
	methodtest.Write(t, dir+"/end", "", 0o644)
	other.Wait()
	if left := methodtest.Named(t, "unmarked"); len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
}

// TestShellLeftoversAreLogged once per method, by their names only.
func TestShellLeftoversAreLogged(t *testing.T) {
	var log bytes.Buffer
	runner, err := open(script("setsid "+methodtest.Lasting(t, "logged")+methodtest.Quiet+" & until pgrep -x logged >/dev/null; do :; done"),
		slog.New(slog.NewTextHandler(&log, nil)), func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := runner.Run(t.Context(), method.Document{}); err != nil {
			t.Error(err)
		}
	}
	if text := log.String(); strings.Count(text, "processes=logged\n") != 1 || strings.Contains(text, "600") {
		t.Errorf("the log is\n%s", text)
	}
}

// TestShellLeftoversLeaveStrangersAlone has children of this process that no method has started: one with the environment
// of the container, whose parent has gone, as of kubectl exec, and one that began before the run, with none.
func TestShellLeftoversLeaveStrangersAlone(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	stranger, old := methodtest.Lasting(t, "stranger"), methodtest.Lasting(t, "old")
	early := exec.Command("sh", "-c", "setsid env -i "+old+methodtest.Quiet+" &")
	if err := early.Run(); err != nil {
		t.Fatal(err)
	}
	methodtest.Eventually(t, "the old one runs", func() bool { return len(methodtest.Named(t, "old")) == 1 })
	time.Sleep(20 * time.Millisecond) // processes are dated in hundredths of a second
	ready := script("touch $DIR/up; until [ -e $DIR/end ] || [ $((n+=1)) -gt 6000 ]; do sleep 0.02; done")
	var run sync.WaitGroup
	run.Go(func() { _, _ = mustNew(t, ready).Run(t.Context(), method.Document{}) })
	methodtest.Eventually(t, "the method starts", func() bool { return methodtest.Exists(dir + "/up") })
	if err := exec.Command("sh", "-c", "setsid "+stranger+methodtest.Quiet+" &").Run(); err != nil {
		t.Fatal(err)
	}
	methodtest.Eventually(t, "the stranger runs", func() bool { return len(methodtest.Named(t, "stranger")) == 1 })
	methodtest.Write(t, dir+"/end", "", 0o644)
	run.Wait()
	strangers := slices.Concat(methodtest.Named(t, "stranger"), methodtest.Named(t, "old"))
	if len(strangers) != 2 {
		t.Errorf("of two strangers there are %+v", strangers)
	}
	for _, p := range strangers {
		_ = unix.Kill(p.PID, unix.SIGKILL)
	}
	orphansAreReaped(t)
}

// TestShellLeftoversAfterAnEntrypoint runs tests again in a process that an entrypoint script becomes after it has started
// daemons. They are children of the program that no method has started, and live on; what methods leave behind ends.
func TestShellLeftoversAfterAnEntrypoint(t *testing.T) {
	daemon := methodtest.Lasting(t, "ofentrypoint")
	entrypoint := daemon + methodtest.Quiet + " &\nsetsid " + daemon + methodtest.Quiet + " &\nenv -i " + daemon + methodtest.Quiet + ` &
exec "$0" -test.run '^TestShellLeftovers(ThatBecomeOthers)?$/^(setsid|a_double_fork)_after'`
	cmd := exec.Command("/bin/sh", "-c", entrypoint, os.Args[0])
	cmd.Env = append(os.Environ(), "TOLERATE=ofentrypoint", methodtest.FirstProcess+"=")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	left := methodtest.Named(t, "ofentrypoint")
	if len(left) != 3 {
		t.Errorf("of three daemons there are %+v", left)
	}
	for _, p := range left { // some are in our own group, where runs leave them to whoever started them
		_ = unix.Kill(p.PID, unix.SIGKILL)
		_, _ = unix.Wait4(p.PID, nil, 0, nil)
	}
	orphansAreReaped(t)
}
