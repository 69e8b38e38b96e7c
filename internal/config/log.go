package config

import "log/slog"

// The levels below the normal one, as logVerbosity counts them.
const (
	LogDecisions = slog.Level(-1) // each decision in detail
	LogStages    = slog.Level(-2) // each step of a pass
	LogMethods   = slog.Level(-3) // each method that was run, and the metrics
)

// The forms that a line of the log can have.
const (
	LogText = "text"
	LogJSON = "json"
)

// LogLevel is the lowest level that is logged.
func (c Config) LogLevel() slog.Level { return slog.Level(-min(c.LogVerbosity, 3)) }
