package method

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// grace is how long a group may take to end, once after TERM and once after KILL.
	grace = 300 * time.Millisecond

	// glance is how often that is looked at.
	glance = 2 * time.Millisecond
)

// leaders are the programs that run now, by process id. They are a matter of the operating system's process and not
// of a Runner: whoever reaps orphans sees the children of all Runners, and has to leave these to them. While one is
// being started its id is not known, so nothing is an orphan for certain.
var leaders = struct {
	sync.Mutex
	starting int
	running  map[int]bool
}{running: map[int]bool{}}

// group is a process group: a program, which leads it, and all that it started and that did not leave.
type group struct {
	leader *os.Process
	exited chan struct{} // closed when the leader has exited

	state    *os.ProcessState // of the leader, once reaped
	stateErr error
}

func startGroup(cmd *exec.Cmd) (*group, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := startListed(cmd); err != nil {
		return nil, err
	}
	g := &group{leader: cmd.Process, exited: make(chan struct{})}
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

func (g *group) hasExited() bool {
	select {
	case <-g.exited:
		return true
	default:
		return false
	}
}

// end ends and reaps all of the group. It gives up on a process that not even KILL ends at once (one that waits for
// a dead disk, say), which a later run reaps as an orphan.
func (g *group) end() {
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		_ = unix.Kill(-g.leader.Pid, signal) // all may be gone, which is what we want
		if g.gone() {
			break
		}
	}
	leaders.Lock()
	defer leaders.Unlock()
	delete(leaders.running, g.leader.Pid)
	if leaders.starting == 0 {
		reapOrphans(leaders.running)
	}
}

// gone waits a grace for the group to be gone.
func (g *group) gone() bool {
	for deadline := time.Now().Add(grace); !g.reap(); time.Sleep(glance) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// reap reaps who has exited and tells whether nobody is left.
//
// The number of a group is not given to another while a member is unreaped. So the leader is reaped only here, the
// others are counted right after it, and whoever is still there keeps the number until end has signalled it.
func (g *group) reap() (gone bool) {
	if !g.hasExited() {
		return false
	}
	if g.state == nil && g.stateErr == nil {
		g.state, g.stateErr = g.leader.Wait()
	}
	for {
		pid, err := unix.Wait4(-g.leader.Pid, nil, unix.WNOHANG, nil)
		if pid <= 0 && err != unix.EINTR {
			return unix.Kill(-g.leader.Pid, 0) != nil
		}
	}
}
