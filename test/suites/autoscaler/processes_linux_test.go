package autoscaler

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
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
		environment, _ := os.ReadFile(harness.ProcFile(pid, "environ")) // it may end while we look
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
		stat, _ := os.ReadFile(harness.ProcFile(pid, "stat"))
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
