package harness

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"syscall"
)

// ProcessOne makes a child the first process of a PID namespace. Whoever is not root needs a user namespace for it.
func ProcessOne() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// OpenFiles counts the program's open files.
func (p *Program) OpenFiles() int {
	p.Helper()
	files, err := os.ReadDir(ProcFile(p.Cmd.Process.Pid, "fd"))
	if err != nil {
		p.Fatal(err)
	}
	return len(files)
}

// Threads counts the program's threads.
func (p *Program) Threads() int { return p.status("Threads") }

// ResidentKiB is the memory that the program holds, and the most that it ever held.
func (p *Program) ResidentKiB() (now, peak int) { return p.status("VmRSS"), p.status("VmHWM") }

// status is a number of /proc/PID/status.
func (p *Program) status(name string) int {
	p.Helper()
	status, err := os.ReadFile(ProcFile(p.Cmd.Process.Pid, "status"))
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

// ProcFile is a file of what Linux tells of a process.
func ProcFile(pid int, file string) string { return fmt.Sprintf("/proc/%d/%s", pid, file) }
