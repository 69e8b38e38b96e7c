package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// newMark gives a variable to find a program, and all that it started, by.
func newMark(t *testing.T) string {
	t.Helper()
	return "E2E_MARK=" + t.TempDir() // of this run alone
}

// marked finds the processes that were started with a variable in their environment. One that has exited has no
// environment any more: see zombies.
func marked(t *testing.T, variable string) (pids []int) {
	t.Helper()
	for _, pid := range processes(t) {
		environment, _ := os.ReadFile(proc(pid, "environ")) // it may end while we look
		if slices.Contains(strings.Split(string(environment), "\x00"), variable) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// zombies counts the children of a process that have exited and were not reaped.
func zombies(t *testing.T, parent int) (count int) {
	t.Helper()
	for _, pid := range processes(t) {
		stat, _ := os.ReadFile(proc(pid, "stat"))
		// 123 (name) Z 1 ...
		_, rest, _ := strings.Cut(string(stat), ") ")
		if strings.HasPrefix(rest, fmt.Sprintf("Z %d ", parent)) {
			count++
		}
	}
	return count
}

func processes(t *testing.T) (pids []int) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("looking for processes in /proc: %v", err)
	}
	for _, path := range paths {
		if pid, err := strconv.Atoi(filepath.Base(path)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// openFiles counts the program's open files.
func (p *program) openFiles() int {
	p.Helper()
	files, err := os.ReadDir(proc(p.cmd.Process.Pid, "fd"))
	if err != nil {
		p.Fatal(err)
	}
	return len(files)
}

func (p *program) threads() int { return p.status("Threads") }

// residentKiB is the memory that the program holds, and the most that it ever held.
func (p *program) residentKiB() (now, peak int) { return p.status("VmRSS"), p.status("VmHWM") }

// status is a number of /proc/PID/status.
func (p *program) status(name string) int {
	p.Helper()
	status, err := os.ReadFile(proc(p.cmd.Process.Pid, "status"))
	if err != nil {
		p.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindSubmatch(status)
	if found == nil {
		p.Fatalf("no %s in the program's status:\n%s", name, status)
	}
	number, err := strconv.Atoi(string(found[1]))
	if err != nil {
		p.Fatal(err)
	}
	return number
}

func proc(pid int, file string) string { return fmt.Sprintf("/proc/%d/%s", pid, file) }
