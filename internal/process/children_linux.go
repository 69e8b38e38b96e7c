package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// kernelLists reports whether the kernel has lists of children (CONFIG_PROC_CHILDREN). Without them the whole process
// table is read.
var kernelLists = sync.OnceValue(func() bool {
	_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	return err == nil
})

// procIsOurs reports whether /proc is that of our own process namespace, as in every container. In another one the
// numbers are those of other processes.
var procIsOurs = sync.OnceValue(func() bool {
	self, err := os.Readlink("/proc/self")
	return err == nil && self == strconv.Itoa(os.Getpid())
})

// childrenOfThread lists the children of one thread; without the kernel's lists, those of the process.
func childrenOfThread(pid, thread int) []int {
	if !kernelLists() {
		return scanChildren(pid)
	}
	return listedChildren(pid, thread)
}

// childrenOf lists the children of a process, that is of all of its threads.
func childrenOf(pid int) []int {
	if !kernelLists() {
		return scanChildren(pid)
	}
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var all []int
	for _, task := range tasks {
		if thread, err := strconv.Atoi(task.Name()); err == nil {
			all = append(all, listedChildren(pid, thread)...)
		}
	}
	return all
}

// listedChildren reads the kernel's list. Each run does so at its end, so it takes three system calls and, of a short
// list, no memory but the path's.
func listedChildren(pid, thread int) []int {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/task/"+strconv.Itoa(thread)+"/children", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var (
		text   []byte
		buffer [512]byte
	)
	for {
		n, err := unix.Read(fd, buffer[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			break
		}
		text = append(text, buffer[:n]...)
	}
	var pids []int
	for field := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// scanChildren finds the children of a process in the whole process table.
func scanChildren(parent int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if p, ok := look(pid); ok && p.parent == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}
