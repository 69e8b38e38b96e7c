package process

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

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
		if says := (&group{left: row.left}).Ended(); says != row.says {
			t.Errorf("got  %s\nwant %s", says, row.says)
		}
	}
	timeout := errors.New((&group{left: []leftover{{12, "sleep", false, false}}}).Ended())
	if text := (&group{left: []leftover{{12, "sleep", false, false}}}).WithLeft(timeout).Error(); strings.Count(text, "could not") != 1 {
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
		reapOrphans()
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
