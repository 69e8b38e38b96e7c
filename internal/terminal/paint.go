package terminal

import (
	"io"
	"slices"
	"strings"
)

// Paint colours words where it is true.
type Paint bool

// NewPaint colours what is written to a terminal, unless the environment says not to (https://no-color.org).
func NewPaint(to io.Writer, environment []string) Paint {
	unwanted := slices.ContainsFunc(environment, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" || v == "TERM=dumb"
	})
	return Paint(Is(to) && !unwanted)
}

// Colour is the code by which a terminal begins it. All codes have the same length, so that the columns of a table stay aligned.
type Colour string

// The colours that are used.
const (
	Green  Colour = "\x1b[32m"
	Yellow Colour = "\x1b[33m"
	Red    Colour = "\x1b[31m"
)

// In returns text in a colour.
func (p Paint) In(colour Colour, text string) string {
	if !p {
		return text
	}
	return string(colour) + text + "\x1b[0m"
}
