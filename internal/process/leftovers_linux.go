package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// longestEnvironment is how much of a process's environment is searched for its run.
	longestEnvironment = 8 << 20

	// mostProcesses is how many processes one sweep looks at.
	mostProcesses = 20_000
)

// sweeper finds and signals the processes of one run that have left its process group. Only descendants of this program
// are looked at. A process that has lost its parent is a child of this program's first thread, so that one short list
// tells whether there are any.
//
// Whose a process is:
//
//	its environment has the id of  this run                -> this run's
//	                               another one under way   -> left alone, with all below it
//	                               one that has ended      -> killed: it withstood the end of its run
//	it is in the run's group, or below a process of the run -> this run's
//	it has none for now: it is in the middle of an exec, or exits -> looked at again a moment later
//	its environment has no id, and
//	   is that of this program (kubectl exec, the container's entrypoint) -> left alone
//	   was cleared or cannot be read -> this run's, unless another run that goes on could have started it,
//	                                    or it began before the run, or this program had children when it started
type sweeper struct {
	run    *run
	leader int
	led    func() bool // the leader still runs

	signalled map[int]sent // by process
	zombies   map[int]bool
	reaped    int      // orphans, at the last look
	outlived  []string // the names of those of the run that were not in its group
}

type sent struct {
	started uint64 // by the process that it was sent to
	signal  unix.Signal
	of      whose
	denied  bool
}

func newSweeper(of *run, leader int, led func() bool) *sweeper {
	return &sweeper{
		run: of, leader: leader, led: led,
		signalled: map[int]sent{}, zombies: map[int]bool{}, reaped: reapedOrphans(),
	}
}

// sweep signals what is left of the run, each process once per signal, and returns it. Again says that another look is
// due although nothing is left: something came or went meanwhile.
func (s *sweeper) sweep(signal unix.Signal) (left []leftover, again bool) {
	if !procIsOurs() {
		return nil, false
	}
	reaped := reapedOrphans()
	w := walk{sweeper: s, signal: signal, again: reaped != s.reaped} // one of them may have left a child that the last look has missed
	s.reaped = reaped
	self := os.Getpid()
	for _, pid := range childrenOfThread(self, self) {
		w.visit(pid, self, false)
	}
	if s.led() {
		for _, pid := range childrenOf(s.leader) {
			w.visit(pid, s.leader, true)
		}
	}
	return w.left, w.again
}

// walk is one sweep.
type walk struct {
	*sweeper
	signal unix.Signal
	seen   int
	left   []leftover
	again  bool
}

type whose int

const (
	notOurs whose = iota
	unsure        // not now, but something below it may be
	thisRuns
	endedRuns
)

// visit looks at a process and all below it. A pidfd is opened before the look, so that the signal reaches the process
// that was looked at, or none.
func (w *walk) visit(pid, parent int, inherited bool) {
	if w.seen++; w.seen > mostProcesses || isLeader(pid) {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		w.again = true
		return
	}
	if err == nil {
		defer unix.Close(fd)
	} else {
		fd = -1 // an old kernel
	}
	p, ok := look(pid)
	if !ok || p.parent != parent {
		w.again = true
		return
	}
	if p.zombie {
		w.bury(p, fd)
		return
	}
	verdict := w.whose(p, inherited)
	if verdict == notOurs {
		return
	}
	below := childrenOf(pid)
	if verdict != unsure {
		w.send(p, fd, verdict)
	}
	for _, child := range below {
		w.visit(child, pid, verdict == thisRuns)
	}
}

func (w *walk) send(p entry, fd int, of whose) {
	now := sent{started: p.started, signal: w.signal, of: of}
	if of == endedRuns {
		now.signal = unix.SIGKILL
	}
	before, known := w.signalled[p.pid]
	known = known && before.started == p.started
	if known && before.signal == now.signal {
		now = before
	} else {
		now.denied = w.signalTo(p, fd, now.signal) == unix.EPERM
		w.signalled[p.pid] = now
	}
	if of == endedRuns {
		return
	}
	w.left = append(w.left, leftover{p.pid, p.name, now.denied, p.stuck})
	if !known && p.group != w.leader {
		w.outlived = append(w.outlived, p.name)
	}
}

// signalTo leaves TERM to the group's own, so that no process gets it twice.
func (w *walk) signalTo(p entry, fd int, signal unix.Signal) error {
	switch {
	case signal == unix.SIGTERM && p.group == w.leader:
		return nil
	case fd >= 0:
		return unix.PidfdSendSignal(fd, signal, nil, 0)
	case p.parent == os.Getpid(): // its number is not given to another until it is reaped
		return unix.Kill(p.pid, signal)
	}
	return nil
}

// bury reaps a process that was signalled. Another zombie may be one that somebody waits for; a new one may have left
// a child that this walk has missed.
func (w *walk) bury(p entry, fd int) {
	if known, was := w.signalled[p.pid]; was && known.started == p.started && fd >= 0 {
		_ = unix.Waitid(unix.P_PIDFD, fd, nil, unix.WEXITED|unix.WNOHANG, nil)
	}
	if !w.zombies[p.pid] {
		w.zombies[p.pid] = true
		w.again = true
	}
}

func (w *walk) whose(p entry, inherited bool) whose {
	environment, changes, err := environmentOf(p.pid)
	if id := idOf(environment); id != "" {
		switch {
		case id == w.run.id:
			return thisRuns
		case underWay(id):
			return notOurs
		}
		return endedRuns
	}
	if known, was := w.signalled[p.pid]; was && known.started == p.started {
		return known.of // its environment is gone before the process is
	}
	if inherited || p.group == w.leader {
		return thisRuns
	}
	if changes {
		w.again = true
		return unsure
	}
	if p.started < w.run.began || sawChildrenAtStart() || p.group == unix.Getpgrp() || err == nil && isLikeOurs(environment) {
		return notOurs
	}
	if w.run.couldBeOfAnother(p.started) {
		return unsure
	}
	return thisRuns
}

// tellsChanges reports whether the process table tells which process changes: we do not.
var tellsChanges = sync.OnceValue(func() bool {
	p, ok := look(os.Getpid())
	return ok && !p.changes
})

// isLikeOurs reports whether an environment was inherited from the container: it has at least half of our variables.
// A process that kubectl exec or the container's entrypoint has started has them, and no id of a run.
func isLikeOurs(environment []string) bool {
	theirs := make(map[string]bool, len(environment))
	for _, variable := range environment {
		theirs[variable] = true
	}
	ours, common := os.Environ(), 0
	for _, variable := range ours {
		if theirs[variable] {
			common++
		}
	}
	return 2*common >= len(ours)
}

// sawChildrenAtStart reports whether this program had children before it ran its first method: those that the
// container's entrypoint started before it became this program. What they leave behind cannot be told from what a
// method leaves behind with a cleared environment.
var sawChildrenAtStart = sync.OnceValue(func() bool {
	if !procIsOurs() {
		return true
	}
	for _, pid := range childrenOf(os.Getpid()) {
		if p, ok := look(pid); ok && !p.zombie {
			return true
		}
	}
	return false
})

func isLeader(pid int) bool {
	leaders.Lock()
	defer leaders.Unlock()
	return leaders.running[pid]
}

// entry is what the process table says of a process.
type entry struct {
	pid, parent, group int
	started            uint64
	name               string
	zombie, stuck      bool // it has exited; it sleeps and takes no signal
	changes            bool // it has no memory now, as in the middle of an exec or of its exit, or the process table does not tell
}

// look reads /proc/PID/stat: "pid (name) state parent group ...", where the 22nd field is when it started, and the 51st where its
// environment ends: 0 until an exec is through, and from its exit on. A name may have blanks and brackets of its own.
func look(pid int) (entry, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if err != nil || open < 0 || end < open {
		return entry{}, false
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 20 {
		return entry{}, false
	}
	p := entry{pid: pid, name: string(text[open+1 : end]), zombie: strings.ContainsAny(fields[0], "ZX"), stuck: fields[0] == "D"}
	p.parent, _ = strconv.Atoi(fields[1])
	p.group, _ = strconv.Atoi(fields[2])
	p.started, _ = strconv.ParseUint(fields[19], 10, 64)
	p.changes = len(fields) <= 48 || fields[48] == "0"
	return p, true
}

// environmentOf reads the environment of a process, and tells whether it changes: in the middle of an exec, or while it exits, a process
// has none, though it may have children.
func environmentOf(pid int) (environment []string, changes bool, err error) {
	environment, err = readEnvironment(pid)
	if len(environment) > 0 || errors.Is(err, fs.ErrPermission) || !tellsChanges() {
		return environment, false, err
	}
	p, ok := look(pid)
	if ok && p.stuck { // it may stay so, as an exit that waits for a dead disk does
		return nil, false, err
	}
	if ok && !p.changes { // by now
		if environment, err = readEnvironment(pid); err == nil {
			return environment, false, nil
		}
	}
	return nil, true, nil
}

func readEnvironment(pid int) ([]string, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, longestEnvironment))
	if len(text) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), err
}

// ticks is the time by which processes are dated: hundredths of a second since the system started.
func ticks() uint64 {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0
	}
	return uint64(now.Nano()) / uint64(10*time.Millisecond)
}
