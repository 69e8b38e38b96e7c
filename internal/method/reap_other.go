//go:build unix && !linux

package method

// AdoptOrphans does nothing: orphans go to the first process of the system, which reaps them.
func AdoptOrphans() error { return nil }

// awaitExit blocks until the leader has exited, and reaps it: there is no portable way to leave that for later. So
// here the number of a group may, once in a blue moon, be another's by the time it is signalled.
func awaitExit(g *group) { g.state, g.stateErr = g.leader.Wait() }

func reapOrphans(map[int]bool) {}
