package terminal

import (
	"fmt"
	"io"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// Progress shows on a terminal how many steps are done. A nil Progress shows nothing.
type Progress struct {
	to        io.Writer
	one, many string
	done      int
	said      time.Time
}

// NewProgress counts steps, which are called one or many. It is nil where to is not a terminal.
func NewProgress(to io.Writer, one, many string) *Progress {
	if !Is(to) {
		return nil
	}
	return &Progress{to: to, one: one, many: many}
}

// Step counts a step.
func (p *Progress) Step() {
	if p == nil {
		return
	}
	p.done++
	if now := time.Now(); now.Sub(p.said) >= redrawn {
		p.said = now
		fmt.Fprintf(p.to, "\r%s", text.Count(p.done, p.one, p.many))
	}
}

// End takes the line away.
func (p *Progress) End() {
	if p != nil {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}
