package cli

import (
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/check"
)

// paint colours words, for who reads them on a terminal.
type paint bool

// newPaint leaves colours out where nobody sees them, or wants to (https://no-color.org).
func newPaint(program Program) paint {
	unwanted := slices.ContainsFunc(program.Environment, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" || v == "TERM=dumb"
	})
	return paint(isTerminal(program.Stdout) && !unwanted)
}

// Codes of the same length each, so that columns stay where they are.
var colourOf = map[check.Result]string{check.OK: "\x1b[32m", check.Warning: "\x1b[33m", check.Error: "\x1b[31m"}

func (p paint) result(result check.Result) string {
	if !p {
		return string(result)
	}
	return colourOf[result] + string(result) + "\x1b[0m"
}
