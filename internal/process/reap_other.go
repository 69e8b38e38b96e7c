//go:build unix && !linux

package process

import "golang.org/x/sys/unix"

// AdoptOrphans does nothing: orphans go to the first process of the system, which reaps them.
func AdoptOrphans() error { return nil }

// awaitExit blocks until the leader has exited, and reaps it: there is no portable way to leave that for later. So
// here the number of a group may, once in a blue moon, be another's by the time it is signalled.
func awaitExit(g *group) { g.state, g.stateErr = g.leader.Wait() }

func reapOrphans() {}

// A sweeper finds nothing here: processes that left their group are no children of this program, and stay.
type sweeper struct{ outlived []string }

func newSweeper(*run, int, func() bool) *sweeper { return &sweeper{} }

func (*sweeper) sweep(unix.Signal) ([]leftover, bool) { return nil, false }

func sawChildrenAtStart() bool { return false }

func ticks() uint64 { return 0 }
