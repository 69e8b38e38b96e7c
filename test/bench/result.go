package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// result is what was measured of a case. Times are in seconds.
type result struct {
	Case    string
	Pods    int
	Mode    string
	Logic   string
	Metrics string
	Extra   []string `json:",omitempty"`

	Median, P99 float64 // of the passes
	FloorReads  float64 // median
	FloorLogic  float64 // likewise
	Ratio       float64 // of a pass to both of its turn, median
	LogicRatio  float64 // of a pass to that of user logic alone
	CPU         float64 // of our process, for a pass
	FloorCPU    float64 // of the floors' process
	PeakMiB     float64
	Bytes       int64 // of the documents of a pass
	Requests    int   // to the API server, of a pass

	Passes []float64 // as the program says
	Calls  []float64 // the same, as their caller saw them
	Floors []turnOfFloors
}

// turnOfFloors are the floors of one turn.
type turnOfFloors struct{ Reads, Logic, CPU float64 }

func resultOf(c benchCase, count counted) result {
	return result{
		Case: c.String(), Pods: c.pods, Mode: c.mode, Logic: c.logic, Metrics: c.metrics(), Extra: c.extra,
		Bytes: count.bytes, Requests: len(count.reads),
	}
}

// summarize makes one number of many.
func (r *result) summarize() error {
	if len(r.Passes) == 0 || len(r.Passes) != len(r.Floors) {
		return fmt.Errorf("the program tells of %d passes, and was asked for %d", len(r.Passes), len(r.Floors))
	}
	r.Median, r.P99 = quantile(r.Passes, 0.5), quantile(r.Passes, 0.99)
	r.FloorReads = r.median(func(i int) float64 { return r.Floors[i].Reads })
	r.FloorLogic = r.median(func(i int) float64 { return r.Floors[i].Logic })
	r.FloorCPU = r.median(func(i int) float64 { return r.Floors[i].CPU })
	// Turn by turn, so that what slows one turn down is in both.
	r.Ratio = r.median(func(i int) float64 { return r.Passes[i] / (r.Floors[i].Reads + r.Floors[i].Logic) })
	r.LogicRatio = r.median(func(i int) float64 { return r.Passes[i] / r.Floors[i].Logic })
	return nil
}

// median is that of a value that each turn has.
func (r *result) median(of func(turn int) float64) float64 {
	values := make([]float64, len(r.Floors))
	for i := range values {
		values[i] = of(i)
	}
	return quantile(values, 0.5)
}

// quantile is the least value that so large a part of the values does not exceed: of fewer than a hundred, 0.99 is the
// greatest.
func quantile(values []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(math.Ceil(part*float64(len(sorted))))-1]
}

// unseen is how much longer the callers waited than the passes took: what the program does around them, and HTTP.
func (r result) unseen() float64 { return quantile(r.Calls, 0.5) - r.Median }

func (r result) String() string {
	return fmt.Sprintf("%s: %s (99%%: %s), floor %s + %s, %.1f x; cpu %s, floor %s; %.1f MiB; %d passes, and %s around each",
		r.Case, short(r.Median), short(r.P99), short(r.FloorReads), short(r.FloorLogic), r.Ratio,
		short(r.CPU), short(r.FloorCPU), r.PeakMiB, len(r.Passes), short(r.unseen()))
}

// short is a time in three digits.
func short(seconds float64) string {
	switch took := time.Duration(seconds * float64(time.Second)); {
	case took >= time.Second:
		return took.Round(10 * time.Millisecond).String()
	case took >= 100*time.Millisecond:
		return took.Round(time.Millisecond).String()
	case took >= 10*time.Millisecond:
		return took.Round(100 * time.Microsecond).String()
	default:
		return took.Round(10 * time.Microsecond).String()
	}
}
