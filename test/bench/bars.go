package main

import (
	"fmt"
	"strings"
)

// bar is what we hold ourselves to. It is told how it went, and fails nothing: a time is of its machine.
type bar struct {
	what  string
	limit float64
	unit  string
	// got is the value that the limit is for; false where what it takes was not measured.
	got func(report) (value float64, of string, ok bool)
}

var bars = []bar{
	{"500 pods, per-pod, shell cat, cpu metrics: a pass, beside starting as many processes on all cores", 1.25, "x",
		of(benchCase{row{mode: perPod, logic: shellCat, cpu: true}, 500}, func(r result) float64 { return r.LogicRatio })},
	{"500 pods, per-pod, Python worker: a pass", 40, "ms", of(benchCase{row{mode: perPod, logic: workerPython}, 500}, milliseconds)},
	{"500 pods, per-pod, Python worker: a pass, beside the same script as shell", 0.01, "x", beside(
		benchCase{row{mode: perPod, logic: workerPython}, 500}, seconds,
		benchCase{row{mode: perPod, logic: shellPython}, 500}, seconds)},
	{"5,000 pods, per-resource, shell cat, cpu metrics: a pass", 250, "ms", of(benchCase{row{mode: perResource, logic: shellCat, cpu: true}, 5000}, milliseconds)},
	{"5,000 pods, per-resource, shell cat, cpu metrics: our CPU, beside 500 pods", 11, "x", beside(
		benchCase{row{mode: perResource, logic: shellCat, cpu: true}, 5000}, func(r result) float64 { return r.CPU },
		benchCase{row{mode: perResource, logic: shellCat, cpu: true}, 500}, func(r result) float64 { return r.CPU })},
	{"500 pods, per-pod, podMetrics: own: documents, beside 10 pods", 55, "x", beside(
		benchCase{row{mode: perPod, logic: overHTTP, cpu: true, extra: ownMetrics}, 500}, func(r result) float64 { return float64(r.Bytes) },
		benchCase{row{mode: perPod, logic: overHTTP, cpu: true, extra: ownMetrics}, 10}, func(r result) float64 { return float64(r.Bytes) })},
	{"10 pods: memory", 36, "MiB", most(10)},
	{"500 pods: memory", 45, "MiB", most(500)},
	{"5,000 pods: memory", 96, "MiB", most(5000)},
}

func seconds(r result) float64 { return r.Median }

func milliseconds(r result) float64 { return 1000 * r.Median }

// of is a value of one case.
func of(c benchCase, value func(result) float64) func(report) (float64, string, bool) {
	return func(r report) (float64, string, bool) {
		found, ok := r.find(c.String())
		return value(found), "", ok
	}
}

// beside is a value of one case, divided by a value of another.
func beside(c benchCase, value func(result) float64, other benchCase, by func(result) float64) func(report) (float64, string, bool) {
	return func(r report) (float64, string, bool) {
		one, ok := r.find(c.String())
		two, also := r.find(other.String())
		if !ok || !also || by(two) == 0 {
			return 0, "", false
		}
		return value(one) / by(two), "", true
	}
}

// most is the most memory over all cases with so many pods.
func most(pods int) func(report) (float64, string, bool) {
	return func(r report) (value float64, of string, ok bool) {
		for _, one := range r.Results {
			if one.Pods == pods && one.PeakMiB > value {
				value, of, ok = one.PeakMiB, " ("+strings.TrimPrefix(one.Case, fmt.Sprintf("pods=%d/", pods))+")", true
			}
		}
		return value, of, ok
	}
}

// judged is a table with a line for each bar.
func (r report) judged() string {
	var text strings.Builder
	text.WriteString("| | bar | measured | at most |\n|---|---|---|---|\n")
	for _, bar := range bars {
		value, of, ok := bar.got(r)
		word, measured := "missed", fmt.Sprintf("%s %s%s", digits(value), bar.unit, of)
		switch {
		case !ok:
			word, measured = "not known", ""
		case value <= bar.limit:
			word = "ok"
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s %s |\n", word, bar.what, measured, digits(bar.limit), bar.unit)
	}
	return text.String()
}

// digits writes a number in three digits, or all of those before the point.
func digits(value float64) string {
	if value >= 100 {
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.3g", value)
}
