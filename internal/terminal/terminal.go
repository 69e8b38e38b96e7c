// Package terminal draws on a terminal: tables, bars, colours, the progress of what takes long, and drawings that are replaced in
// place. It takes texts and numbers, and writes to an io.Writer. Colours, progress and drawings in place are left out where that
// is not a terminal. It knows nothing of autoscalers.
package terminal

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// redrawn is how often what changes in place is drawn at most.
const redrawn = 100 * time.Millisecond

// Is reports whether to is a terminal.
func Is(to io.Writer) bool {
	file, ok := to.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Round leaves three digits of a second or more, and milliseconds below.
func Round(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
