package cli

import (
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/internal/method"
)

// busy adds up the time in which user logic runs. Of runs side by side, time that they share counts once.
type busy struct {
	mutex sync.Mutex
	until time.Time // all that is known to be counted
	total time.Duration
}

// ran is told of a run that has just ended.
func (b *busy) ran(run method.Run) { b.add(time.Now(), run.Took) }

func (b *busy) add(ended time.Time, took time.Duration) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if began := ended.Add(-took); began.After(b.until) {
		b.until = began
	}
	if ended.After(b.until) {
		b.total += ended.Sub(b.until)
		b.until = ended
	}
}
