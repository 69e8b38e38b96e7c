package method

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lasting is a command that runs until it is ended, with a name of its own in the process table.
func lasting(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	text, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	write(t, program, string(text), 0o755)
	return program + " 600"
}

// named lists the processes of a lasting command of this test that have not exited.
func named(t *testing.T, name string) []process {
	t.Helper()
	folder := filepath.Dir(t.TempDir()) + "/" // of all temporary folders of this test
	return processes(t, func(p process) bool {
		if p.command != name || p.state == "Z" {
			return false
		}
		program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.pid)) // it may end while we look
		return strings.HasPrefix(program, folder)
	})
}

// pipe makes a named pipe that a shell script reads from until the test writes to it.
func pipe(t *testing.T, path string) *os.File {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// quiet lets go of the pipes of a method.
const quiet = " >/dev/null 2>&1 </dev/null"

// escapes are the ways out of a run's process group; %s is a lasting command.
var escapes = []struct{ name, script string }{
	{"setsid", `setsid %s` + quiet + ` &`},
	{"setsid that waits for its child", `(setsid -w %s` + quiet + ` &)`},
	{"a double fork", `(setsid sh -c '%s & %[1]s & exit'` + quiet + ` &)`},
	{"nohup", `nohup %s` + quiet + ` &`},
	{"nohup and setsid", `setsid nohup %s` + quiet + ` &`},
	{"a group of its own", `set -m; %s` + quiet + ` & set +m`},
	{"a cleared environment", `env -i setsid %s` + quiet + ` &`},
	{"a cleared environment and a double fork", `env -i setsid sh -c '(%s &)'` + quiet + ` &`},
	{"a few variables", `env -i PATH="$PATH" A=b setsid %s` + quiet + ` &`},
	{"ignoring TERM", `(trap '' TERM HUP; setsid %s` + quiet + ` &)`},
	{"a tree of sessions", `setsid sh -c 'setsid sh -c "setsid %s & %[1]s & wait" & %[1]s & wait'` + quiet + ` &`},
	{"a stopped process", `setsid sh -c 'kill -STOP $$; %s'` + quiet + ` &`},
	{"a daemon in Python", `python3 -c 'import os,sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: os.execv(sys.argv[1], sys.argv[1:])
    os._exit(0)' %s` + quiet},
}

// TestShellLeftovers runs each escape to a success, a failure and a timeout, and wants nothing left.
func TestShellLeftovers(t *testing.T) {
	for _, row := range escapes {
		for end, then := range map[string]string{"success": "echo ok", "failure": "exit 3", "timeout": "sleep 600"} {
			t.Run(row.name+" after a "+end, func(t *testing.T) {
				if strings.Contains(row.script, "python3") {
					if _, err := exec.LookPath("python3"); err != nil {
						t.Fatalf("install Python: apt-get install python3 (%v)", err)
					}
				}
				t.Setenv("LEADER", t.TempDir()+"/leader")
				m := script("echo $$ >$LEADER; " + fmt.Sprintf(row.script, lasting(t, "escaped")) + "\n" + then)
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
					wantError(t, err, "exit status 3")
				case "timeout":
					wantError(t, err, "(timeout: 1000 ms); its processes were ended")
				}
				if left := named(t, "escaped"); len(left) > 0 {
					t.Errorf("left: %+v", left)
				}
				noTrace(t, os.Getenv("LEADER"))
			})
		}
	}
}

// TestShellLeftoversThatStartOthersAndExit chases a chain of processes, of which each lives for a moment only.
func TestShellLeftoversThatStartOthersAndExit(t *testing.T) {
	t.Setenv("DIR", t.TempDir())
	write(t, os.Getenv("DIR")+"/chain", "#!/bin/sh\ntrap '' TERM\n[ -e $DIR/end ] || setsid $DIR/chain"+quiet+" &\n", 0o755)
	t.Cleanup(func() { write(t, os.Getenv("DIR")+"/end", "", 0o644) })
	if reply, err := timed(t, script("setsid $DIR/chain"+quiet+" & echo ok"), ""); reply != "ok\n" || err != nil {
		t.Errorf("got %q, %v", reply, err)
	}
	nobodyIsLeft(t)
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
		daemons[i], ended[i], ends[i] = lasting(t, fmt.Sprint("daemon", i)), make(chan struct{}), pipe(t, fmt.Sprint(dir, "/end", i))
	}
	release := func(i int) { _, _ = ends[i].WriteString("end\n") }
	t.Cleanup(func() {
		for i := range parallel {
			release(i)
		}
		all.Wait()
	})
	for i, daemon := range daemons {
		m := script(fmt.Sprintf(`setsid %[1]s%[3]s & (setsid sh -c '%[1]s & exit'%[3]s &); read -r end <$DIR/end%[2]d`, daemon, i, quiet))
		m.Timeout = 120_000
		all.Go(func() {
			defer close(ended[i])
			if _, err := mustNew(t, m).Run(t.Context(), Document{}); err != nil {
				t.Errorf("run %d: %v", i, err)
			}
		})
	}
	alive := func(i int) int { return len(named(t, fmt.Sprint("daemon", i))) }
	for i := range parallel {
		within(t, time.Minute, fmt.Sprintf("run %d has two daemons", i), func() bool { return alive(i) == 2 })
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
	other.Go(func() { _, _ = mustNew(t, long).Run(t.Context(), Document{}) })
	eventually(t, "the other run starts", func() bool { return exists(dir + "/up") })
	_, _ = timed(t, script("env -i setsid "+lasting(t, "unmarked")+quiet+" & until pgrep -x unmarked >/dev/null; do :; done"), "")
	if left := named(t, "unmarked"); len(left) != 1 {
		t.Errorf("while another run goes on that could have started it: %+v", left)
	}
	write(t, dir+"/end", "", 0o644)
	other.Wait()
	if left := named(t, "unmarked"); len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
}

// TestShellLeftoversAreLogged once per method, by their names only.
func TestShellLeftoversAreLogged(t *testing.T) {
	var log bytes.Buffer
	runner, err := New("metric", script("setsid "+lasting(t, "logged")+quiet+" & until pgrep -x logged >/dev/null; do :; done"),
		slog.New(slog.NewTextHandler(&log, nil)), func(Run) {})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := runner.Run(t.Context(), Document{}); err != nil {
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
	stranger, old := lasting(t, "stranger"), lasting(t, "old")
	early := exec.Command("sh", "-c", "setsid env -i "+old+quiet+" &")
	if err := early.Run(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old one runs", func() bool { return len(named(t, "old")) == 1 })
	time.Sleep(20 * time.Millisecond) // processes are dated in hundredths of a second
	ready := script("touch $DIR/up; until [ -e $DIR/end ] || [ $((n+=1)) -gt 6000 ]; do sleep 0.02; done")
	var run sync.WaitGroup
	run.Go(func() { _, _ = mustNew(t, ready).Run(t.Context(), Document{}) })
	eventually(t, "the method starts", func() bool { return exists(dir + "/up") })
	if err := exec.Command("sh", "-c", "setsid "+stranger+quiet+" &").Run(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stranger runs", func() bool { return len(named(t, "stranger")) == 1 })
	write(t, dir+"/end", "", 0o644)
	run.Wait()
	strangers := slices.Concat(named(t, "stranger"), named(t, "old"))
	if len(strangers) != 2 {
		t.Errorf("of two strangers there are %+v", strangers)
	}
	for _, p := range strangers {
		_ = unix.Kill(p.pid, unix.SIGKILL)
	}
	orphansAreReaped(t)
}

// TestShellLeftoversAfterAnEntrypoint runs tests again in a process that an entrypoint script becomes after it has started
// daemons. They are children of the program that no method has started, and live on; what methods leave behind ends.
func TestShellLeftoversAfterAnEntrypoint(t *testing.T) {
	daemon := lasting(t, "ofentrypoint")
	entrypoint := daemon + quiet + " &\nsetsid " + daemon + quiet + " &\nenv -i " + daemon + quiet + ` &
exec "$0" -test.run '^TestShellLeftovers$/^(setsid|a_double_fork)_after'`
	cmd := exec.Command("/bin/sh", "-c", entrypoint, os.Args[0])
	cmd.Env = append(os.Environ(), "TOLERATE=ofentrypoint", firstProcess+"=")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	left := named(t, "ofentrypoint")
	if len(left) != 3 {
		t.Errorf("of three daemons there are %+v", left)
	}
	for _, p := range left { // some are in our own group, where runs leave them to whoever started them
		_ = unix.Kill(p.pid, unix.SIGKILL)
		_, _ = unix.Wait4(p.pid, nil, 0, nil)
	}
	orphansAreReaped(t)
}

func TestWorkerLeftoversEndWithTheWorker(t *testing.T) {
	for _, row := range escapes {
		if strings.Contains(row.name, "Python") || strings.HasPrefix(row.name, "a group") {
			continue // the script is one line of another script here
		}
		for end, then := range map[string]string{"closed": echoes, "failed": `read -r line; echo '{"id":1,"reply":"ok"}'; read -r line; exit 4`} {
			t.Run(row.name+" of a worker that is "+end, func(t *testing.T) {
				dir := t.TempDir()
				t.Setenv("DIR", dir)
				runner := mustNew(t, talks(fmt.Sprintf(row.script, lasting(t, "kept"))+"\n"+then))
				t.Cleanup(runner.Close)
				if reply, err := runner.Run(t.Context(), Whole([]byte("{}"))); reply != "ok" {
					t.Errorf("got %q, %v", reply, err)
				}
				if row.name != "a stopped process" {
					eventually(t, "its processes run", func() bool { return len(named(t, "kept")) > 0 })
				}
				if end == "failed" {
					_, err := runner.Run(t.Context(), Whole([]byte("{}")))
					wantError(t, err, "exit status 4")
				} else {
					_, _ = mustNew(t, script(":")).Run(t.Context(), Document{}) // a run of another method does not end them
					if row.name != "a stopped process" && len(named(t, "kept")) == 0 {
						t.Error("they ended before their worker")
					}
					runner.Close()
				}
				if left := named(t, "kept"); len(left) > 0 {
					t.Errorf("left: %+v", left)
				}
				nobodyIsLeft(t)
			})
		}
	}
}

// TestNotEndedNamesWhatIsLeft is of words only.
func TestNotEndedNamesWhatIsLeft(t *testing.T) {
	for _, row := range []struct {
		left []leftover
		says string
	}{
		{nil, "its processes were ended"},
		{[]leftover{{12, "sleep", false, false}, {13, "a\nb", true, false}},
			`2 of its processes could not be ended: sleep (pid 12), a\nb (pid 13: not permitted)`},
		{make([]leftover, 8), "8 of its processes could not be ended: " + strings.Repeat(" (pid 0), ", 5) + "3 more"},
	} {
		if says := (&group{left: row.left}).ended(); says != row.says {
			t.Errorf("got  %s\nwant %s", says, row.says)
		}
	}
	timeout := &TimeoutError{1, (&group{left: []leftover{{12, "sleep", false, false}}}).ended()}
	if text := (&group{left: []leftover{{12, "sleep", false, false}}}).withLeft(timeout).Error(); strings.Count(text, "could not") != 1 {
		t.Errorf("said twice: %s", text)
	}
}

// TestListsOfChildrenAgree compares the kernel's list with the process table.
func TestListsOfChildrenAgree(t *testing.T) {
	if !kernelLists() {
		t.Skip("this kernel has no lists of children")
	}
	cmd := exec.Command("sh", "-c", "sleep 600 & sleep 600 & echo; wait")
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		t.Fatal("it did not start")
	}
	defer func() { // not a cleanup: that cannot run a method any more
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		_ = cmd.Wait()
		orphansAreReaped(t)
	}()
	_, _ = out.Read(make([]byte, 1))
	for _, pid := range []int{cmd.Process.Pid, os.Getpid()} {
		listed, scanned := childrenOf(pid), scanChildren(pid)
		slices.Sort(listed)
		slices.Sort(scanned)
		if len(listed) == 0 || !slices.Equal(listed, scanned) {
			t.Errorf("children of %d: listed %v, scanned %v", pid, listed, scanned)
		}
	}
}
