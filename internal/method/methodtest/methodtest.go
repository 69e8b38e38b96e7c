// Package methodtest has what the tests of all kinds of methods have in common.
package methodtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
)

// FirstProcess is set for the tests that run again as the first process of a process namespace.
const FirstProcess = "METHOD_TEST_FIRST_PROCESS"

// Main runs the tests of a package whose methods leave orphans.
func Main(m *testing.M) {
	if os.Getenv(FirstProcess) == "" {
		if err := process.AdoptOrphans(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// Open opens a method of which nobody is told.
func Open(t testing.TB, of method.Settings) *method.Method {
	t.Helper()
	opened, err := method.Open(of, func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}
	return opened.Runner
}

// Timed runs once and holds the run to the promise about its end.
func Timed(t *testing.T, of method.Settings, document string) (string, error) {
	t.Helper()
	begin := time.Now()
	reply, err := Open(t, of).Run(t.Context(), method.Whole([]byte(document)))
	if took, bar := time.Since(begin), of.Timeout+time.Second; took > bar {
		t.Errorf("the run took %s, which is more than its timeout and a second, %s", took, bar)
	}
	return reply, err
}

// WantError wants an error that says all of this.
func WantError(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", says)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error is\n\t%s\nand does not say\n\t%s", err, text)
		}
	}
}

// Eventually polls until a condition holds, and fails the test when it does not within 10 seconds.
func Eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	Within(t, 10*time.Second, what, holds)
}

// Within is Eventually with a limit of its own.
func Within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s in vain: %s", limit, what)
		}
	}
}

// Process is a line of the process table.
type Process struct {
	PID, Parent, Group int
	State              string
	Command            string
}

// Processes are those which match, zombies too.
func Processes(t *testing.T, match func(Process) bool) []Process {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		t.Fatalf("reading /proc: %d processes, %v", len(files), err)
	}
	var found []Process
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has gone meanwhile
		}
		// "pid (command) state parent group ...", where a command may have blanks and brackets of its own
		open, end := strings.Index(string(text), "("), strings.LastIndex(string(text), ")")
		fields := strings.Fields(string(text[end+1:]))
		p := Process{PID: Number(t, string(text[:open])), Command: string(text[open+1 : end]), State: fields[0],
			Parent: Number(t, fields[1]), Group: Number(t, fields[2])}
		if match(p) {
			found = append(found, p)
		}
	}
	return found
}

// Number reads a whole number.
func Number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// openFiles counts the file descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// NoGrowth wants as many goroutines and open files as there were, when those of the test itself have gone. What the first run makes,
// such as the poller, is made for good.
func NoGrowth(t *testing.T, exercise func()) {
	t.Helper()
	_ = exec.Command("/bin/true").Run()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	exercise()
	Eventually(t, fmt.Sprintf("goroutines back at %d and open files at %d", goroutines, files), func() bool {
		return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files
	})
}

// Exists tells whether there is a file.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Write writes a file.
func Write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// Lasting is a command that runs until it is ended, with a name of its own in the process table.
func Lasting(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	text, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	Write(t, program, string(text), 0o755)
	return program + " 600"
}

// Named lists the processes of a lasting command of this test that have not exited.
func Named(t *testing.T, name string) []Process {
	t.Helper()
	folder := filepath.Dir(t.TempDir()) + "/" // of all temporary folders of this test
	return Processes(t, func(p Process) bool {
		if p.Command != name || p.State == "Z" {
			return false
		}
		program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID)) // it may end while we look
		return strings.HasPrefix(program, folder)
	})
}

// Pipe makes a named pipe that a shell script reads from until the test writes to it.
func Pipe(t *testing.T, path string) *os.File {
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

// Quiet lets go of the pipes of a method.
const Quiet = " >/dev/null 2>&1 </dev/null"

// Escapes are the ways out of a run's process group; %s is a lasting command.
var Escapes = []struct{ Name, Script string }{
	{"setsid", `setsid %s` + Quiet + ` &`},
	{"setsid that waits for its child", `(setsid -w %s` + Quiet + ` &)`},
	{"a double fork", `(setsid sh -c '%s & %[1]s & exit'` + Quiet + ` &)`},
	{"nohup", `nohup %s` + Quiet + ` &`},
	{"nohup and setsid", `setsid nohup %s` + Quiet + ` &`},
	{"a group of its own", `set -m; %s` + Quiet + ` & set +m`},
	{"a cleared environment", `env -i setsid %s` + Quiet + ` &`},
	{"a cleared environment and a double fork", `env -i setsid sh -c '(%s &)'` + Quiet + ` &`},
	{"a few variables", `env -i PATH="$PATH" A=b setsid %s` + Quiet + ` &`},
	{"ignoring TERM", `(trap '' TERM HUP; setsid %s` + Quiet + ` &)`},
	{"a tree of sessions", `setsid sh -c 'setsid sh -c "setsid %s & %[1]s & wait" & %[1]s & wait'` + Quiet + ` &`},
	{"a stopped process", `setsid sh -c 'kill -STOP $$; %s'` + Quiet + ` &`},
	{"a daemon in Python", `python3 -c 'import os,sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: os.execv(sys.argv[1], sys.argv[1:])
    os._exit(0)' %s` + Quiet},
}

// NoTrace wants nobody left of the group whose leader's number is in the file, and no child, dead or alive.
func NoTrace(t *testing.T, leader string) {
	t.Helper()
	text, err := os.ReadFile(leader)
	if err != nil {
		t.Fatal(err)
	}
	group := Number(t, string(text))
	left := Processes(t, func(p Process) bool { return p.Group == group || p.Parent == os.Getpid() && !tolerated(p) })
	if len(left) > 0 {
		t.Errorf("left of group %d of process %d: %+v", group, os.Getpid(), left)
	}
}

// tolerated is a process that was there before the test.
func tolerated(p Process) bool {
	name := os.Getenv("TOLERATE")
	return name != "" && p.Command == name
}

// NobodyIsLeft wants no child.
func NobodyIsLeft(t *testing.T) {
	t.Helper()
	if left := Processes(t, func(p Process) bool { return p.Parent == os.Getpid() }); len(left) > 0 {
		t.Errorf("left of process %d: %+v", os.Getpid(), left)
	}
}
