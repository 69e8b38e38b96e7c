package process

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"sync"
)

// runVariable marks the processes of a run: they inherit it, also where they leave the process group.
const runVariable = "CPA_RUN"

// marker begins the value of runVariable in all runs of this program. A program that is started by a method of another
// autoscaler keeps that one's value before its own, so that both find what they started.
var marker = sync.OnceValue(func() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // it never fails
	return hex.EncodeToString(random) + "-"
})

// run is one start of a method's program, from before its first process exists until its last one is gone.
type run struct {
	id     string
	began  uint64 // in the ticks by which the system dates processes
	ending bool
}

// runs are those under way. Like leaders they are a matter of the operating system's process.
var runs = struct {
	sync.Mutex
	last int
	live map[string]*run
}{live: map[string]*run{}}

func newRun() *run {
	sawChildrenAtStart()
	runs.Lock()
	defer runs.Unlock()
	runs.last++
	r := &run{id: marker() + strconv.Itoa(runs.last), began: ticks()}
	runs.live[r.id] = r
	return r
}

// variable is the one that marks the processes of the run.
func (r *run) variable() string {
	if outer := os.Getenv(runVariable); outer != "" {
		return runVariable + "=" + outer + "/" + r.id
	}
	return runVariable + "=" + r.id
}

func (r *run) end() {
	runs.Lock()
	defer runs.Unlock()
	r.ending = true
}

func (r *run) over() {
	runs.Lock()
	defer runs.Unlock()
	delete(runs.live, r.id)
}

// underWay reports whether a run is, by its id.
func underWay(id string) bool {
	runs.Lock()
	defer runs.Unlock()
	return runs.live[id] != nil
}

// couldBeOfAnother reports whether another run that goes on could have started a process at that time.
func (r *run) couldBeOfAnother(started uint64) bool {
	runs.Lock()
	defer runs.Unlock()
	for _, other := range runs.live {
		if other != r && !other.ending && other.began <= started {
			return true
		}
	}
	return false
}

// idOf finds the run of this program in an environment, "" where there is none.
func idOf(environment []string) string {
	for _, variable := range environment {
		value, is := strings.CutPrefix(variable, runVariable+"=")
		if !is {
			continue
		}
		for id := range strings.SplitSeq(value, "/") {
			if strings.HasPrefix(id, marker()) {
				return id
			}
		}
	}
	return ""
}
