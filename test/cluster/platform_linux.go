package cluster

import (
	"errors"
	"os"
	"syscall"
)

// killedWithParent makes the kernel kill the child when we are gone, however we went. The
// group of its own keeps a terminal's Ctrl-C from it: the owner stops it in order.
func killedWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// interruptedWithParent lets `go build` clean up after itself: it stops its compilers.
func interruptedWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
}

// tryLock takes the file's lock, or fails if another process has it. The kernel gives the
// lock back when the file is closed, also by the end of the process.
func tryLock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

func alive(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
