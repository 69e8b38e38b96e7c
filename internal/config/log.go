package config

import "log/slog"

// The forms that a line of the log can have.
const (
	LogText = "text"
	LogJSON = "json"
)

// LogLevel is the lowest level that is logged.
func (c Config) LogLevel() slog.Level { return slog.Level(-min(c.LogVerbosity, 3)) }
