package method

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
)

// firstProcess is set for the tests that run again as the first process of a process namespace.
const firstProcess = "METHOD_TEST_FIRST_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(goWorker) != "" {
		beWorker()
		return
	}
	if os.Getenv(firstProcess) == "" {
		if err := AdoptOrphans(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// mustNew is the runner of a method named metric.
func mustNew(t testing.TB, m config.Method) *Method {
	t.Helper()
	runner, err := New("metric", m, slog.New(slog.DiscardHandler), func(Run) {})
	if err != nil {
		t.Fatal(err)
	}
	return runner
}

// timed runs once and holds the run to the promise about its end.
func timed(t *testing.T, m config.Method, document string) (string, error) {
	t.Helper()
	begin := time.Now()
	reply, err := mustNew(t, m).Run(t.Context(), Whole([]byte(document)))
	if took, bar := time.Since(begin), m.Timeout.Duration()+time.Second; took > bar {
		t.Errorf("the run took %s, which is more than its timeout and a second, %s", took, bar)
	}
	return reply, err
}

// wantError wants an error that says all of this.
func wantError(t *testing.T, err error, says ...string) {
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

// eventually polls until a condition holds, and fails the test when it does not within 10 seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	within(t, 10*time.Second, what, holds)
}

// within is eventually with a limit of its own.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
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

// process is a line of the process table.
type process struct {
	pid, parent, group int
	state              string
	command            string
}

// processes are those which match, zombies too.
func processes(t *testing.T, match func(process) bool) []process {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		t.Fatalf("reading /proc: %d processes, %v", len(files), err)
	}
	var found []process
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has gone meanwhile
		}
		// "pid (command) state parent group ...", where a command may have blanks and brackets of its own
		open, end := strings.Index(string(text), "("), strings.LastIndex(string(text), ")")
		fields := strings.Fields(string(text[end+1:]))
		p := process{pid: number(t, string(text[:open])), command: string(text[open+1 : end]), state: fields[0],
			parent: number(t, fields[1]), group: number(t, fields[2])}
		if match(p) {
			found = append(found, p)
		}
	}
	return found
}

func number(t *testing.T, text string) int {
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

// noGrowth wants as many goroutines and open files as there were, when those of the test itself have gone.
func noGrowth(t *testing.T, exercise func()) {
	t.Helper()
	_, _ = timed(t, script(":"), "") // what the first run makes, such as the poller, is made for good
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	exercise()
	eventually(t, fmt.Sprintf("goroutines back at %d and open files at %d", goroutines, files), func() bool {
		return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
