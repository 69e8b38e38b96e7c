// Package span has the spans of time of a configuration: numbers of a unit, or texts with one.
package span

import (
	"fmt"
	"reflect"
	"time"
)

// Milliseconds is a span that the file writes as a number of them, or with a unit: 15000 or 15s.
type Milliseconds int64

// Duration is the span as Go counts it.
func (m Milliseconds) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Seconds is a span that the file writes as a number of them, or with a unit: 300 or 5m.
type Seconds int64

// Duration is the span as Go counts it.
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }

// units are those of numbers, by the type of a key.
var units = map[reflect.Type]struct {
	unit    time.Duration
	name    string
	example string
}{
	reflect.TypeFor[Milliseconds](): {time.Millisecond, "milliseconds", "15000, or with its unit, e.g. 15s"},
	reflect.TypeFor[Seconds]():      {time.Second, "seconds", "300, or with its unit, e.g. 5m"},
}

// Is tells whether a value is a span.
func Is(into reflect.Value) bool { _, is := units[into.Type()]; return is }

// Set sets a span that is written with its unit, if that is a whole number of the key's own.
func Set(into reflect.Value, text string) bool {
	span, err := time.ParseDuration(text)
	unit := units[into.Type()].unit
	if err != nil || span%unit != 0 {
		return false
	}
	into.SetInt(int64(span / unit))
	return true
}

// Shape is how a span is written.
func Shape(into reflect.Value) string {
	unit := units[into.Type()]
	return fmt.Sprintf("a whole number of %s, e.g. %s", unit.name, unit.example)
}

// Pattern is a duration of Go; the program's own reading is more exact.
const Pattern = `^[+-]?(0|([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|ms|s|m|h)([0-9.]+(ns|us|µs|ms|s|m|h))*)$`
