package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// view shows a story while it goes on.
type view interface {
	show(*story)
	close()
}

// newView draws on a terminal, and writes lines anywhere else.
func newView(out io.Writer, overrides settings) view {
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		return newTerminal(file, overrides)
	}
	return newLines(out, overrides)
}

// colours tells whether the user has not asked for none: https://no-color.org
func colours(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
}

// terminal draws the frame again and again at the same place.
type terminal struct {
	file      *os.File
	overrides settings
	drawn     int // lines of the frame above the cursor
}

func newTerminal(file *os.File, overrides settings) *terminal {
	fmt.Fprint(file, "\x1b[?25l\x1b[?7l\n") // no cursor, no wrapping
	return &terminal{file: file, overrides: overrides}
}

// The widest frame is one whose columns are about a second each.
const widest = 120

func (t *terminal) show(s *story) {
	width, height, err := term.GetSize(int(t.file.Fd()))
	if err != nil || width <= 0 || height <= 1 {
		width, height = 80, 24
	}
	var text strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", min(t.drawn, height-1))
	}
	lines := frame(s, t.overrides, min(width, widest), height-1)
	for _, line := range lines {
		text.WriteString("\r\x1b[K" + write(line, colours(t.file)) + "\n")
	}
	text.WriteString("\x1b[J")
	t.drawn = len(lines)
	fmt.Fprint(t.file, text.String())
}

func (t *terminal) close() { fmt.Fprint(t.file, "\x1b[?7h\x1b[?25h") }

func write(l line, colours bool) string {
	if colours {
		return l.coloured()
	}
	return l.String()
}

// lines writes a line now and then, for a file or a pipe.
type lines struct {
	out    io.Writer
	passes int           // that were looked at
	next   time.Duration // when there is the next status
}

// unlimited is the width of what is not a terminal.
const unlimited = math.MaxInt

// statusEvery is how often there is a status line.
const statusEvery = 5 * time.Second

func newLines(out io.Writer, overrides settings) *lines {
	for _, line := range header(overrides, unlimited) {
		fmt.Fprintln(out, line)
	}
	return &lines{out: out}
}

func (l *lines) show(s *story) {
	for ; l.passes < len(s.passes); l.passes++ {
		if l.passes > 0 && s.passes[l.passes].tellsNothingNew(s.passes[l.passes-1]) {
			continue
		}
		for _, line := range describe(s.passes[l.passes], unlimited) {
			fmt.Fprintln(l.out, line)
		}
	}
	if len(s.samples) > 0 && s.now().at >= l.next {
		fmt.Fprintln(l.out, status(s))
		l.next += statusEvery
	}
}

func (l *lines) close() {}
