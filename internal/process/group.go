// Package process runs programs whose every process ends with them: a process group, and what has left it, found by a mark in its
// environment. Shell methods and workers stand on it.
//
// Which runs are under way and who reaps orphans is a matter of the operating system's process: AdoptOrphans is for main to call,
// once, and the rest of that state is this package's own.
package process

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// grace is how long a group may take to end, once after TERM and once after KILL.
	grace = 300 * time.Millisecond

	// longGrace is the same after KILL, for processes that take it: on a busy machine they are only slow to exit.
	longGrace = 2 * time.Second

	// glance is how often that is looked at.
	glance = 2 * time.Millisecond

	// namedLeftovers is how many processes an error names.
	namedLeftovers = 5
)

// leaders are the programs that run now, by process id. They are a matter of the operating system's process and not
// of a Runner: whoever reaps orphans sees the children of all Runners, and has to leave these to them. While one is
// being started its id is not known, so nothing is an orphan for certain.
var leaders = struct {
	sync.Mutex
	starting int
	running  map[int]bool
	reaped   int // orphans, so far
}{running: map[int]bool{}}

// group is a process group: a program, which leads it, and all that it started and that did not leave.
type group struct {
	run    *run
	leader *os.Process
	exited chan struct{} // closed when the leader has exited

	state    *os.ProcessState // of the leader, once reaped
	stateErr error
	isGone   bool // its number may be another's by now

	outlived []string   // the names of processes that left the group and were found at its end
	left     []leftover // what could not be ended
}

// leftover is a process that could not be ended.
type leftover struct {
	pid    int
	name   string
	denied bool // we may not signal it
	stuck  bool // it takes no signal now
}

// startGroup starts a program whose environment marks all of its processes.
func startGroup(cmd *exec.Cmd) (*group, error) {
	run := newRun()
	cmd.Env = append(cmd.Env, run.variable())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := startListed(cmd); err != nil {
		run.over()
		return nil, err
	}
	g := &group{run: run, leader: cmd.Process, exited: make(chan struct{})}
	go func() {
		awaitExit(g)
		close(g.exited)
	}()
	return g, nil
}

// startListed does not hold the lock over the start, which may read a program from a slow disk, while others end.
func startListed(cmd *exec.Cmd) error {
	leaders.Lock()
	leaders.starting++
	leaders.Unlock()
	err := cmd.Start()
	leaders.Lock()
	defer leaders.Unlock()
	leaders.starting--
	if err == nil {
		leaders.running[cmd.Process.Pid] = true
	}
	return err
}

// HasExited reports whether the program itself has.
func (g *group) HasExited() bool {
	select {
	case <-g.exited:
		return true
	default:
		return false
	}
}

// Exited is closed when the program itself has exited.
func (g *group) Exited() <-chan struct{} { return g.exited }

// State is how the program exited, once all has ended.
func (g *group) State() (*os.ProcessState, error) { return g.state, g.stateErr }

// Outlived are the names of processes that had left the group, and were found at its end.
func (g *group) Outlived() []string { return g.outlived }

// ID is the program's process id.
func (g *group) ID() int { return g.leader.Pid }

// end ends and reaps all of the run: the group, and the processes that have left it. It gives up on a process that not
// even KILL ends at once (one that waits for a dead disk, say), or that it may not signal: these are left. A later run
// kills and reaps them if it can.
func (g *group) end() {
	g.run.end()
	defer g.run.over()
	s := newSweeper(g.run, g.leader.Pid, func() bool { return !g.HasExited() })
	if !g.endBy(unix.SIGTERM, s) {
		g.endBy(unix.SIGKILL, s)
	}
	g.outlived = s.outlived
	leaders.Lock()
	delete(leaders.running, g.leader.Pid)
	leaders.Unlock()
	reapOrphans()
}

// endBy sends a signal and waits a grace for everything to be gone; else it notes what is left. After TERM it looks every glance. After
// KILL it looks at once where it found something new, or something came or went, so that it outruns processes that start others and
// exit.
func (g *group) endBy(signal unix.Signal, s *sweeper) (gone bool) {
	if !g.isGone {
		_ = unix.Kill(-g.leader.Pid, signal) // all may be gone, which is what we want
	}
	newest := 0
	for began := time.Now(); ; {
		g.isGone = g.isGone || g.reap()
		reapOrphans() // or each look would go through all that a chain of processes has left behind
		left, again := s.sweep(signal)
		if g.isGone && len(left) == 0 && !again {
			g.left = nil
			return true
		}
		took := time.Since(began)
		if took > longGrace || took > grace && (signal == unix.SIGTERM || !again && g.hopeless(left)) {
			g.left = g.orLeader(left)
			return false
		}
		found := len(left) > 0 && left[len(left)-1].pid != newest
		if found {
			newest = left[len(left)-1].pid
		}
		if signal == unix.SIGKILL && (found || again && took < grace) {
			continue
		}
		time.Sleep(glance)
	}
}

// hopeless reports whether waiting does not help: no process that is left takes a signal.
func (g *group) hopeless(left []leftover) bool {
	for _, p := range left {
		if !p.denied && !p.stuck {
			return false
		}
	}
	return len(left) > 0 || g.HasExited() // then the group is of zombies that are not ours to reap
}

// orLeader adds the leader, which no sweep looks at, where that is what is left.
func (g *group) orLeader(left []leftover) []leftover {
	if !g.HasExited() {
		left = append(left, leftover{pid: g.leader.Pid, name: "the program itself"})
	}
	return left
}

// Ended says whether the processes were, in the words of an error.
func (g *group) Ended() string {
	if len(g.left) == 0 {
		return "its processes were ended"
	}
	return g.NotEnded()
}

// NotEnded names what is left, without arguments, which may be secret. It is "" where nothing is.
func (g *group) NotEnded() string {
	if len(g.left) == 0 {
		return ""
	}
	var names []string
	for _, p := range g.left[:min(len(g.left), namedLeftovers)] {
		why := ""
		if p.denied {
			why = ": not permitted"
		}
		names = append(names, fmt.Sprintf("%s (pid %d%s)", strings.ToValidUTF8(strings.Trim(strconv.Quote(p.name), `"`), "?"), p.pid, why))
	}
	if more := len(g.left) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("%d of its processes could not be ended: %s", len(g.left), strings.Join(names, ", "))
}

// reap reaps who has exited and tells whether nobody is left.
//
// The number of a group is not given to another while a member is unreaped. So the leader is reaped only here, the
// others are counted right after it, and whoever is still there keeps the number until end has signalled it.
func (g *group) reap() (gone bool) {
	if !g.HasExited() {
		return false
	}
	if g.state == nil && g.stateErr == nil {
		g.state, g.stateErr = g.leader.Wait()
	}
	for {
		pid, err := unix.Wait4(-g.leader.Pid, nil, unix.WNOHANG, nil)
		if pid <= 0 && err != unix.EINTR {
			return unix.Kill(-g.leader.Pid, 0) == unix.ESRCH // with EPERM there is somebody
		}
	}
}
