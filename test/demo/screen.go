package main

import (
	"fmt"
	"strings"
	"time"
)

// settings are the keys of the example's config.yaml that the demo overrides, so that there is more to see in less time.
type settings struct {
	interval      time.Duration
	stabilization time.Duration
}

// environment is how the program is told.
func (s settings) environment() []string {
	return []string{
		fmt.Sprintf("interval=%d", s.interval.Milliseconds()),
		fmt.Sprintf("downscaleStabilization=%d", int(s.stabilization.Seconds())),
		"logVerbosity=1",             // each decision is a line
		"apiConfig={enabled: false}", // its port may be taken here
	}
}

// header says what one sees.
func header(s settings, width int) []line {
	const widest, most = 80, 5
	lines := []line{{{titleInk, "Custom Pod Autoscaler: examples/k8s-metrics-cpu follows a load"}}}
	about := fmt.Sprintf("Simulated pods on a real control plane. Every %s the program runs metric.py and evaluate.py. "+
		"Quicker than config.yaml: %s.", s.interval, strings.Join(s.environment()[:2], ", "))
	for _, words := range wrap(about, min(width, widest), most) {
		lines = append(lines, text(words))
	}
	return lines
}

func legend(s *story) line {
	return line{
		{loadInk, "█"}, {faintInk, " load, "}, {faintInk, "·"}, {faintInk, " still to come   "},
		{lineInk, "─"}, {faintInk, fmt.Sprintf(" replicas: each carries %dm when it is %d%% busy", s.request*wantedPercent/100, wantedPercent)},
	}
}

// frame is the whole screen, as high as there is room for.
func frame(s *story, overrides settings, width, height int) []line {
	rows := 10
	if height < 22 {
		rows = 5
	}
	lines := append(header(overrides, width), legend(s))
	lines = append(lines, chart(s, width, rows)...)
	lines = append(lines, status(s), line{})
	lines = append(lines, decisions(s, width, min(12, height-len(lines)))...)
	for i := range lines {
		lines[i] = lines[i].cut(width)
	}
	return lines[:min(len(lines), height)]
}

// status is what there is now.
func status(s *story) line {
	now := s.now()
	replicas := fmt.Sprint(now.ready)
	if now.wanted != now.ready {
		replicas = fmt.Sprintf("%d → %d", now.ready, now.wanted)
	}
	return line{
		{titleInk, clock(now.at)}, {faintInk, " of " + clock(s.load.length)},
		{faintInk, "   load "}, {loadInk, fmt.Sprintf("%dm", now.load)},
		{faintInk, "   replicas "}, {lineInk, replicas},
		{faintInk, "   cpu "}, {plainInk, fmt.Sprintf("%d%% busy", percent(now.load, now.ready, s.request))},
		{faintInk, ", measured "}, {plainInk, measured(now)},
	}
}

func measured(now sample) string {
	if now.measured == 0 {
		return "nothing yet"
	}
	return fmt.Sprintf("%d%%", now.measured)
}

// decisions are the last ones, the newest at the bottom.
func decisions(s *story, width, room int) []line {
	var lines []line
	news := s.news()
	for i := len(news) - 1; i >= 0; i-- {
		entry := describe(news[i], width)
		if len(entry)+len(lines) > room {
			break
		}
		lines = append(entry, lines...)
	}
	return lines
}

// describe says in the program's own words what a pass decided, and why.
func describe(p pass, width int) []line {
	at := span{faintInk, p.at.Format(time.TimeOnly) + "  "}
	if p.failure != "" {
		return describeFailure(at, p.failure, width)
	}
	entry := []line{{
		at, change(p), {plainInk, fmt.Sprintf("%-21s", last(p.reasons))},
		{faintInk, fmt.Sprintf("%s: %d recommended", p.userReason, p.recommended)},
	}}
	if len(p.reasons) > 1 {
		entry = append(entry, line{{faintInk, strings.Repeat(" ", 19) + last(p.because)}})
	}
	return entry
}

func describeFailure(at span, failure string, width int) []line {
	const indent, most = 19, 3
	lines := wrap(failure, width-indent, most)
	entry := []line{{at, {badInk, "failed   "}, {plainInk, lines[0]}}}
	for _, more := range lines[1:] {
		entry = append(entry, line{{plainInk, strings.Repeat(" ", indent) + more}})
	}
	return entry
}

func change(p pass) span {
	switch {
	case p.replicas > p.current:
		return span{upInk, fmt.Sprintf("%-9s", fmt.Sprintf("%d → %d", p.current, p.replicas))}
	case p.replicas < p.current:
		return span{downInk, fmt.Sprintf("%-9s", fmt.Sprintf("%d → %d", p.current, p.replicas))}
	}
	return span{faintInk, fmt.Sprintf("%-9s", fmt.Sprintf("kept %d", p.current))}
}
