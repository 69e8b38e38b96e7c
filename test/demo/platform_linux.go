package main

import "syscall"

// endedWithParent asks the program to end when we are gone, however we went. The group of its own keeps a terminal's
// Ctrl-C from it: we stop it in order.
func endedWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
