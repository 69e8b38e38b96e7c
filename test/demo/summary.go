package main

import (
	"fmt"
	"slices"
	"strings"
)

// summary is what became of the story as a whole.
type summary struct {
	peakLoad, endLoad       int
	fewest, most, end       int // replicas
	ups, downs              int
	reasons                 []string // of the decisions, in the order in which they came up first
	decided                 map[string]int
	failures                int
	lastFailure             string
	idle, overloaded, total int // samples
}

func summarize(s *story) summary {
	sum := summary{decided: map[string]int{}}
	for i, sample := range s.samples {
		if i == 0 {
			sum.fewest = sample.wanted
		}
		sum.peakLoad, sum.endLoad = max(sum.peakLoad, sample.load), sample.load
		sum.fewest, sum.most, sum.end = min(sum.fewest, sample.wanted), max(sum.most, sample.wanted), sample.wanted
		sum.countBusy(percent(sample.load, sample.ready, s.request))
	}
	for _, p := range s.passes {
		sum.countPass(p)
	}
	return sum
}

func (s *summary) countBusy(percent int) {
	s.total++
	switch {
	case percent < wantedPercent:
		s.idle++
	case percent > 100:
		s.overloaded++
	}
}

func (s *summary) countPass(p pass) {
	if p.failure != "" {
		s.failures, s.lastFailure = s.failures+1, p.failure
		return
	}
	reason := last(p.reasons)
	if !slices.Contains(s.reasons, reason) {
		s.reasons = append(s.reasons, reason)
	}
	s.decided[reason]++
	switch {
	case p.replicas > p.current:
		s.ups++
	case p.replicas < p.current:
		s.downs++
	}
}

// problem is what is wrong if the replicas did not rise with the load and come down again.
func (s *summary) problem() error {
	switch {
	case s.most < 3:
		return fmt.Errorf("the load rose to %dm, but the replicas only to %d: %s%s", s.peakLoad, s.most, s.outcome(), s.failed())
	case s.end > (s.most+1)/2:
		return fmt.Errorf("the load fell to %dm, but the replicas only from %d to %d: %s%s", s.endLoad, s.most, s.end, s.outcome(), s.failed())
	}
	return nil
}

// failed is how the last pass failed that did, or nothing.
func (s *summary) failed() string {
	if s.failures == 0 {
		return ""
	}
	return "; the last failure: " + s.lastFailure
}

// outcome is what the passes came to, in a few words.
func (s *summary) outcome() string {
	var words []string
	for _, reason := range s.reasons {
		words = append(words, fmt.Sprintf("%d %s", s.decided[reason], reason))
	}
	if s.failures > 0 {
		words = append(words, fmt.Sprintf("%d failed", s.failures))
	}
	if len(words) == 0 {
		return "the program made no pass"
	}
	return strings.Join(words, ", ")
}

func (s *summary) lines() []line {
	row := func(name, format string, values ...any) line {
		return line{{faintInk, fmt.Sprintf("  %-10s ", name)}, {plainInk, fmt.Sprintf(format, values...)}}
	}
	return []line{
		{{titleInk, "What happened"}},
		row("load", "up to %dm of cpu, and down to %dm", s.peakLoad, s.endLoad),
		row("replicas", "%d to %d, now %d: scaled up %s and down %s", s.fewest, s.most, s.end, times(s.ups), times(s.downs)),
		row("decisions", "%s", s.outcome()),
		row("capacity", "pods under %d%% busy for %d%% of the time, over 100%% for %d%%", wantedPercent, s.share(s.idle), s.share(s.overloaded)),
		{},
		text(`Next: give it your own logic, in any language: "Write your own" in README.md.`),
	}
}

func (s *summary) share(samples int) int { return 100 * samples / max(1, s.total) }

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}
