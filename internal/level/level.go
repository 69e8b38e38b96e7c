// Package level has the levels of the log below the normal one.
package level

import "log/slog"

// The levels, as logVerbosity counts them.
const (
	Decisions = slog.Level(-1) // each decision in detail
	Stages    = slog.Level(-2) // each step of a pass
	Methods   = slog.Level(-3) // each method that was run, and the metrics
)
