package cli

import (
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
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
var colourOf = map[finding.Result]string{finding.OK: "\x1b[32m", finding.Warning: "\x1b[33m", finding.Error: "\x1b[31m"}

func (p paint) result(result finding.Result) string {
	if !p {
		return string(result)
	}
	return colourOf[result] + string(result) + "\x1b[0m"
}
