package process

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AdoptOrphans makes the processes that user code leaves behind children of this one, as they are anyway when it is
// the first process of a container. Each run reaps those that have exited. It is for main to call, once: it is the
// whole program that adopts.
func AdoptOrphans() error {
	sawChildrenAtStart()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopting the orphans of user code: %w", err)
	}
	return nil
}

// awaitExit blocks until the leader has exited and leaves it to be reaped, so that its group keeps its number.
func awaitExit(g *group) {
	for unix.Waitid(unix.P_PID, g.leader.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// reapOrphans reaps adopted processes that have exited: daemons that left their group, since a group is reaped by
// its own run. It needs no signal handler and no goroutine, because a run ends with it unless another is starting,
// whose end will do.
//
// It looks at a child before it reaps it, and stops at one that somebody waits for: a running method, or a process
// of another part of this program, which is in our own group as no adopted one is. A later run goes on from there.
func reapOrphans() {
	leaders.Lock()
	defer leaders.Unlock()
	for leaders.starting == 0 {
		pid := exitedChild()
		if pid == 0 || leaders.running[pid] {
			return
		}
		if group, err := unix.Getpgid(pid); err != nil || group == unix.Getpgrp() {
			return
		}
		if _, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err != nil {
			return
		}
		leaders.reaped++
	}
}

// reapedOrphans counts them.
func reapedOrphans() int {
	leaders.Lock()
	defer leaders.Unlock()
	return leaders.reaped
}

// exitedChild is some child that has exited, still to be reaped; 0 if there is none.
func exitedChild() int {
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != nil {
		return 0
	}
	// The process id follows three numbers of 32 bits, aligned as a pointer is; unix.Siginfo has no name for it.
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), 8+unsafe.Sizeof(uintptr(0)))))
}
