package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endedWithParent asks a process to end when we are gone, however we went. The group of its own keeps a terminal's Ctrl-C
// from it: we stop it in order.
func endedWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}

// cpuOf is the processor time of a process so far, without that of the processes that it has started: what /proc/PID/stat
// has as utime and stime, in nanoseconds where that has hundredths of a second.
func cpuOf(pid int) (seconds float64, err error) {
	const sched = 2 // of the clocks that a process has, the one of the time that it was running
	var spent unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &spent); err != nil {
		return 0, fmt.Errorf("reading the program's processor time: %w", err)
	}
	return time.Duration(spent.Nano()).Seconds(), nil
}

// peakOf is the most memory that a process ever had resident, in MiB.
func peakOf(pid int) (mebibytes float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	if !found {
		return 0, fmt.Errorf("reading the program's memory: it has ended")
	}
	kibibytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kibibytes / 1024, err
}
