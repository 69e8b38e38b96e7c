// Package telemetry sets up how the program is watched: its log and that of the libraries it uses, Prometheus series,
// Kubernetes Events and traces. What is worth telling is decided elsewhere.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"

	"k8s.io/klog/v2"
)

// NewLogger gives a logger that writes lines of key=value, or JSON objects, down to the level. client-go's own log is
// written the same way, but only what it says unasked: the level is about what the autoscaler does. Each mask takes credentials
// out of every text that is logged.
func NewLogger(to io.Writer, level slog.Level, asJSON bool, masks ...func(string) string) *slog.Logger {
	logger := func(level slog.Level) *slog.Logger {
		options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, attribute slog.Attr) slog.Attr {
			return masked(replace(groups, attribute), masks)
		}}
		if asJSON {
			return slog.New(slog.NewJSONHandler(to, options))
		}
		return slog.New(slog.NewTextHandler(to, options))
	}
	klog.SetSlogLogger(logger(slog.LevelInfo))
	return logger(level)
}

// masked is an attribute without credentials. Numbers and times have none; everything else is written as text.
func masked(attribute slog.Attr, masks []func(string) string) slog.Attr {
	text := ""
	switch value := attribute.Value.Any().(type) {
	case string:
		text = value
	case error:
		text = value.Error()
	case fmt.Stringer:
		text = value.String()
	case bool, int64, uint64, float64, nil:
		return attribute
	default:
		text = fmt.Sprintf("%+v", value)
	}
	plain := text
	for _, mask := range masks {
		text = mask(text)
	}
	if text == plain {
		return attribute
	}
	return slog.String(attribute.Key, text)
}

// replace writes the levels below the normal one as the verbosity that asks for them: V2, where slog has DEBUG+2, and
// times as people read them, where JSON would have nanoseconds.
func replace(groups []string, attribute slog.Attr) slog.Attr {
	if attribute.Value.Kind() == slog.KindDuration {
		return slog.String(attribute.Key, attribute.Value.Duration().String())
	}
	level, isLevel := attribute.Value.Any().(slog.Level)
	if len(groups) == 0 && attribute.Key == slog.LevelKey && isLevel && level < slog.LevelInfo {
		return slog.String(slog.LevelKey, fmt.Sprintf("V%d", -level))
	}
	return attribute
}
