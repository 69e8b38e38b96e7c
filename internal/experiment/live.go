package experiment

import (
	"fmt"
	"io"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/terminal"
)

// live draws a course on a terminal while it is simulated. Elsewhere it draws nothing.
type live struct {
	drawing *terminal.Live
	rows    []simulation.Row
}

func newLive(to io.Writer) *live { return &live{drawing: terminal.NewLive(to)} }

// row adds a pass to the course.
func (l *live) row(name string, row simulation.Row) {
	if l.drawing == nil {
		return
	}
	l.rows = append(l.rows, row)
	l.drawing.Draw(func(to io.Writer) {
		fmt.Fprintf(to, "%s, at %s\n", name, row.At())
		chart(to, l.rows)
	})
}

// end ends a course: the next row is the first of another.
func (l *live) end() {
	l.rows = nil
	l.drawing.Clear()
}
