package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

// live draws a course while it is gone through, over and over in the same place. It is for a terminal alone.
type live struct {
	to    io.Writer
	now   func() time.Time
	mutex sync.Mutex // what workers print is logged while a course is gone through
	rows  []simulation.Row
	drawn time.Time
	lines int // of the last drawing
}

// redrawn is how often that is.
const redrawn = 100 * time.Millisecond

// newLive gives nil where nobody watches.
func newLive(to io.Writer) *live {
	if !isTerminal(to) {
		return nil
	}
	return &live{to: to, now: time.Now}
}

// row is told of each pass.
func (l *live) row(name string, row simulation.Row) {
	if l == nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.rows = append(l.rows, row)
	if l.now().Sub(l.drawn) < redrawn {
		return
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s, at %s\n", name, row.At())
	chart(&text, l.rows)
	l.clear()
	fmt.Fprint(l.to, text.String())
	l.lines, l.drawn = strings.Count(text.String(), "\n"), l.now()
}

// beside is a writer of what is shown besides the drawing, which makes room for it.
func (l *live) beside(to io.Writer) io.Writer {
	if l == nil {
		return to
	}
	return writer(func(text []byte) (int, error) {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.clear()
		l.drawn = time.Time{}
		return to.Write(text)
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(text []byte) (int, error) { return w(text) }

// clear takes the drawing away.
func (l *live) clear() {
	if l != nil && l.lines > 0 {
		fmt.Fprintf(l.to, "\x1b[%dA\x1b[J", l.lines)
		l.lines = 0
	}
}

// end is that of a course.
func (l *live) end() {
	if l != nil {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.clear()
		l.rows, l.drawn = nil, time.Time{}
	}
}
