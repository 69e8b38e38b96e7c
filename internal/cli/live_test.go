package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

// TestALiveChartIsDrawnInPlace: ten times a second at most, over the one before, and it leaves nothing.
func TestALiveChartIsDrawnInPlace(t *testing.T) {
	var to bytes.Buffer
	now := time.Unix(0, 0)
	l := &live{to: &to, now: func() time.Time { return now }}
	for i := range 10 {
		now = now.Add(50 * time.Millisecond)
		l.row("config.yaml", simulation.Row{Seconds: float64(15 * i), Load: float64(i), Desired: 1})
	}
	if got := strings.Count(to.String(), "config.yaml, at "); got != 5 {
		t.Errorf("it was drawn %d times in half a second, want 5", got)
	}
	if up, lines := "\x1b[5A\x1b[J", strings.Count(to.String(), "\n"); strings.Count(to.String(), up) != 4 || lines != 25 {
		t.Errorf("%d lines, and went back %d times: %q", lines, strings.Count(to.String(), up), to.String())
	}
	l.end()
	if !strings.HasSuffix(to.String(), "\x1b[5A\x1b[J") {
		t.Error("it leaves a drawing behind")
	}
}

func TestNobodyWatchesAFile(t *testing.T) {
	var to bytes.Buffer
	l := newLive(&to)
	l.row("config.yaml", simulation.Row{})
	l.end()
	if l != nil || to.Len() > 0 {
		t.Errorf("got %q", to.String())
	}
}
