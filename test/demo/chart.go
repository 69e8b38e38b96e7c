package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// blocks are the eighths of a cell, from empty to full.
var blocks = []rune(" ▁▂▃▄▅▆▇█")

// The scales take so many columns left and right of the plot.
const leftScale, rightScale = 7, 4

// chart draws load and replicas over time. Both have one scale: a replica is as high as the load that it should carry.
//
//	900m ┤     ╭──── 9     ─ replicas
//	     │   ▃▆█▇▅         █ load
//	   0 ┼─▄▇█████▆
//	     0:00    0:30      · load that is still to come
func chart(s *story, width, rows int) []line {
	columns := max(1, width-leftScale-rightScale)
	scale := scale{rows: rows, perReplica: s.request * wantedPercent / 100}
	var lines []line
	for row := rows; row > 0; row-- {
		lines = append(lines, scale.left(row))
	}
	before := 0
	for column := range columns {
		at := s.load.length * time.Duration(2*column+1) / time.Duration(2*columns)
		now, known := s.sampleAt(at)
		for i, glyph := range scale.column(now, before, known, s.load.at(at)) {
			lines[i] = append(lines[i], glyph)
		}
		before = now.wanted
	}
	for i := range lines {
		lines[i] = append(lines[i], scale.right(rows-i)...)
	}
	return append(lines, axis(s.load.length, columns)...)
}

// sampleAt is the newest sample at a time, if the story has come so far.
func (s *story) sampleAt(at time.Duration) (found sample, known bool) {
	for _, sample := range s.samples {
		if sample.at > at {
			return found, true
		}
		found = sample
	}
	return found, len(s.samples) > 0 && s.now().at+time.Second >= at
}

// scale says what a row of the chart stands for. The first is at the bottom, and the last is for maxReplicas.
type scale struct{ rows, perReplica int }

func (s scale) replicas(row int) int { return row * maxReplicas / s.rows }

// row is the one that a number of replicas is drawn in.
func (s scale) row(replicas int) int {
	return int(math.Ceil(float64(replicas) * float64(s.rows) / maxReplicas))
}

// fill is how many eighths of a row the load fills.
func (s scale) fill(load, row int) int {
	height := float64(load) / float64(s.perReplica) * float64(s.rows) / maxReplicas
	return int(math.Round(8 * max(0, min(1, height-float64(row-1)))))
}

func (s scale) left(row int) line {
	label := ""
	if row%2 == 0 || s.rows < maxReplicas {
		label = fmt.Sprintf("%dm", s.replicas(row)*s.perReplica)
	}
	return line{{loadInk, fmt.Sprintf("%*s ", leftScale-2, label)}, {faintInk, "│"}}
}

func (s scale) right(row int) line {
	label := ""
	if row%2 == 0 || s.rows < maxReplicas {
		label = fmt.Sprint(s.replicas(row))
	}
	return line{{faintInk, "│"}, {lineInk, " " + label}}
}

// column is one column of the plot, from top to bottom.
func (s scale) column(now sample, before int, known bool, coming int) []span {
	var glyphs []span
	for row := s.rows; row > 0; row-- {
		switch {
		case known:
			glyphs = append(glyphs, s.cell(now, before, row))
		case s.fill(coming, row) > 0 && s.fill(coming, row+1) == 0:
			glyphs = append(glyphs, span{faintInk, "·"})
		default:
			glyphs = append(glyphs, span{plainInk, " "})
		}
	}
	return glyphs
}

// cell is the line of the replicas, or the load where that is not.
func (s scale) cell(now sample, before, row int) span {
	fill := s.fill(now.load, row)
	if step := step(s.row(before), s.row(now.wanted), row); step != ' ' {
		if fill >= 4 {
			return span{bothInk, string(step)}
		}
		return span{lineInk, string(step)}
	}
	return span{loadInk, string(blocks[fill])}
}

// step is the piece of a line in a row of the column where it goes from one row to another.
func step(from, to, row int) rune {
	switch {
	case from == 0 && row == to, from == to && row == to:
		return '─'
	case from == 0:
		return ' '
	case row == from && from < to:
		return '╯'
	case row == to && from < to:
		return '╭'
	case row == from && from > to:
		return '╮'
	case row == to && from > to:
		return '╰'
	case row > min(from, to) && row < max(from, to):
		return '│'
	}
	return ' '
}

// axis is the time below the plot, marked about every fifteen columns.
func axis(length time.Duration, columns int) []line {
	every := markEvery(length, columns)
	rule, labels := []rune(strings.Repeat("─", columns)), []rune(strings.Repeat(" ", columns+rightScale))
	for at := time.Duration(0); at < length; at += every {
		column := int(at * time.Duration(columns) / length)
		rule[column] = '┬'
		copy(labels[column:], []rune(clock(at)))
	}
	indent := strings.Repeat(" ", leftScale-1)
	return []line{
		{{faintInk, indent + "└" + string(rule) + "┘"}},
		{{faintInk, indent + " " + strings.TrimRight(string(labels), " ")}},
	}
}

func markEvery(length time.Duration, columns int) time.Duration {
	for _, every := range []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute} {
		if int(every*time.Duration(columns)/length) >= 12 {
			return every
		}
	}
	return max(time.Minute, length/4)
}

// clock is a time since the start, as minutes and seconds.
func clock(t time.Duration) string {
	seconds := int(t.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
