package decision

import (
	"testing"
	"time"
)

// BenchmarkDecide decides for a load that falls, so that every recommendation is remembered: a quarter of an hour of them, one in
// fifteen seconds, and each holds the next one up.
func BenchmarkDecide(b *testing.B) {
	const interval, window = 15 * time.Second, 15 * time.Minute
	rules := Rules{Min: 1, Max: 100, StabilizationWindow: window}
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var state State
	steps := int32(window / interval)
	for i := range steps {
		_, state = Decide(start.Add(time.Duration(i)*interval), rules, Input{rules.Max, rules.Max - i}, state)
	}
	now := start.Add(window)
	b.ReportAllocs()
	for b.Loop() {
		if decided, _ := Decide(now, rules, Input{rules.Max, rules.Max - steps}, state); decided.Replicas != rules.Max {
			b.Fatalf("it was not held: %+v", decided)
		}
	}
}
