package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Live draws over and over in the same place of a terminal. A nil Live draws nothing.
type Live struct {
	to    io.Writer
	now   func() time.Time
	mutex sync.Mutex // others may write beside the drawing at any time
	drawn time.Time
	lines int // of the last drawing
}

// NewLive is nil where to is not a terminal.
func NewLive(to io.Writer) *Live {
	if !Is(to) {
		return nil
	}
	return &Live{to: to, now: time.Now}
}

// Draw replaces the drawing by what draw writes, unless the last one has only just been drawn: draw is not called then.
func (l *Live) Draw(draw func(io.Writer)) {
	if l == nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.now().Sub(l.drawn) < redrawn {
		return
	}
	var text strings.Builder
	draw(&text)
	l.clear()
	fmt.Fprint(l.to, text.String())
	l.lines, l.drawn = strings.Count(text.String(), "\n"), l.now()
}

// Beside returns a writer to to that takes the drawing away first.
func (l *Live) Beside(to io.Writer) io.Writer {
	if l == nil {
		return to
	}
	return writer(func(text []byte) (int, error) {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.clear()
		return to.Write(text)
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(text []byte) (int, error) { return w(text) }

// Clear takes the drawing away. The next one is drawn at once.
func (l *Live) Clear() {
	if l != nil {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.clear()
	}
}

func (l *Live) clear() {
	if l.lines > 0 {
		fmt.Fprintf(l.to, "\x1b[%dA\x1b[J", l.lines)
	}
	l.lines, l.drawn = 0, time.Time{}
}
