package experiment

import (
	"testing"
	"time"
)

func TestTimeThatRunsShareCountsOnce(t *testing.T) {
	var b busy
	start := time.Now()
	for _, run := range []struct{ ended, took, total time.Duration }{
		{10, 10, 10},
		{12, 8, 12},  // began while the first one ran
		{12, 5, 12},  // all of it while others ran
		{30, 10, 22}, // after a pause
	} {
		if b.add(start.Add(run.ended*time.Second), run.took*time.Second); b.total != run.total*time.Second {
			t.Errorf("at %d s it is %s, want %d s", run.ended, b.total, run.total)
		}
	}
}
