package terminal

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestALiveChartIsDrawnInPlace: ten times a second at most, over the one before, and it leaves nothing.
func TestALiveChartIsDrawnInPlace(t *testing.T) {
	var to bytes.Buffer
	now := time.Unix(0, 0)
	l := &Live{to: &to, now: func() time.Time { return now }}
	for i := range 10 {
		now = now.Add(50 * time.Millisecond)
		l.Draw(func(to io.Writer) {
			fmt.Fprintf(to, "config.yaml, at %d\n", i)
			Bars(to, "load", []float64{1, 2, float64(i)})
		})
	}
	if got := strings.Count(to.String(), "config.yaml, at "); got != 5 {
		t.Errorf("it was drawn %d times in half a second, want 5", got)
	}
	if up, lines := "\x1b[2A\x1b[J", strings.Count(to.String(), "\n"); strings.Count(to.String(), up) != 4 || lines != 10 {
		t.Errorf("%d lines, and went back %d times: %q", lines, strings.Count(to.String(), up), to.String())
	}
	l.Clear()
	if !strings.HasSuffix(to.String(), "\x1b[2A\x1b[J") {
		t.Error("it leaves a drawing behind")
	}
}

func TestLiveMakesRoomForWhatIsWrittenBeside(t *testing.T) {
	var to bytes.Buffer
	l := &Live{to: &to, now: time.Now}
	draw := func(to io.Writer) { fmt.Fprintln(to, "drawing") }
	l.Draw(draw)
	fmt.Fprintln(l.Beside(&to), "beside")
	l.Draw(draw) // at once
	if got, want := to.String(), "drawing\n\x1b[1A\x1b[Jbeside\ndrawing\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNobodyWatchesAFile(t *testing.T) {
	var to bytes.Buffer
	l := NewLive(&to)
	l.Draw(func(to io.Writer) { fmt.Fprintln(to, "drawing") })
	l.Clear()
	progress := NewProgress(&to, "pass", "passes")
	progress.Step()
	progress.End()
	if l != nil || progress != nil || to.Len() > 0 || l.Beside(&to) != io.Writer(&to) || NewPaint(&to, nil) {
		t.Errorf("got %q", to.String())
	}
}
