package config

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
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

// spanUnits are the units of numbers, by the type of a key.
var spanUnits = map[reflect.Type]struct {
	unit    time.Duration
	name    string
	example string
}{
	reflect.TypeFor[Milliseconds](): {time.Millisecond, "milliseconds", "15000, or with its unit, e.g. 15s"},
	reflect.TypeFor[Seconds]():      {time.Second, "seconds", "300, or with its unit, e.g. 5m"},
}

func isSpan(into reflect.Value) bool { _, is := spanUnits[into.Type()]; return is }

// setSpan sets a span that is written with its unit, if that is a whole number of the key's own.
func setSpan(into reflect.Value, text string) bool {
	span, err := time.ParseDuration(text)
	unit := spanUnits[into.Type()].unit
	if err != nil || span%unit != 0 {
		return false
	}
	into.SetInt(int64(span / unit))
	return true
}

func spanShape(into reflect.Value) string {
	unit := spanUnits[into.Type()]
	return fmt.Sprintf("a whole number of %s, e.g. %s", unit.name, unit.example)
}

// spanPattern is a duration of Go; the program's own reading is more exact.
const spanPattern = `^[+-]?(0|([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|ms|s|m|h)([0-9.]+(ns|us|µs|ms|s|m|h))*)$`

// whole spells a number that is whole as an integer: 4.0 is 4, and 3.6e+06, as Helm writes large numbers, is 3600000.
func whole(number json.Number) json.Number {
	if _, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return number
	}
	float, err := strconv.ParseFloat(string(number), 64)
	if err != nil || float != math.Trunc(float) || math.Abs(float) >= 1<<63 {
		return number
	}
	return json.Number(strconv.FormatInt(int64(float), 10))
}
