package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The table in docs/performance.md is between these two.
const (
	beginMarker = "<!-- written by make update-performance -->\n"
	endMarker   = "<!-- to here -->\n"
)

// column is one of the table: its head, and what it says of a result.
type column struct {
	head string
	cell func(result) string
}

var columns = []column{
	{"pods", func(r result) string { return thousands(int64(r.Pods)) }},
	{"run mode", func(r result) string { return r.Mode }},
	{"user logic", func(r result) string { return r.Logic }},
	{"metrics", func(r result) string { return strings.Join(append([]string{r.Metrics}, r.Extra...), ", ") }},
	{"a pass", func(r result) string { return short(r.Median) }},
	{"99%", func(r result) string { return short(r.P99) }},
	{"floor: reads", func(r result) string { return short(r.FloorReads) }},
	{"floor: user logic", func(r result) string { return short(r.FloorLogic) }},
	{"ratio", func(r result) string { return fmt.Sprintf("%.2f", r.Ratio) }},
	{"our CPU", func(r result) string { return short(r.CPU) }},
	{"floor", func(r result) string { return short(r.FloorCPU) }},
	{"ratio", func(r result) string { return fmt.Sprintf("%.1f", r.CPU/r.FloorCPU) }},
	{"memory", func(r result) string { return fmt.Sprintf("%.0f MiB", r.PeakMiB) }},
	{"documents", func(r result) string { return thousands((r.Bytes+999)/1000) + " kB" }},
	{"requests", func(r result) string { return fmt.Sprint(r.Requests) }},
}

// table is the report for people, in Markdown.
func (r report) table() string {
	var text strings.Builder
	line := func(cell func(column) string) {
		for _, c := range columns {
			text.WriteString("| " + cell(c) + " ")
		}
		text.WriteString("|\n")
	}
	fmt.Fprintf(&text, "%s.\n\n", r.Machine)
	line(func(c column) string { return c.head })
	text.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
	for _, one := range r.Results {
		line(func(c column) string { return c.cell(one) })
	}
	return text.String()
}

// begins is how the row of a case begins.
func (c benchCase) begins() string {
	var cells []string
	for _, column := range columns[:4] {
		cells = append(cells, column.cell(resultOf(c, counted{})))
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

func (r report) updateDocs(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), beginMarker)
	_, after, ends := strings.Cut(rest, endMarker)
	if !begins || !ends {
		return errors.New("writing the table: " + path + " has no place for it: " + strings.TrimSpace(beginMarker) + " and " + strings.TrimSpace(endMarker))
	}
	whole := before + beginMarker + r.table() + "\n" + r.judged() + endMarker + after
	return os.WriteFile(path, []byte(whole), 0o644)
}

// thousands writes 1234567 as 1,234,567.
func thousands(number int64) string {
	text := fmt.Sprint(number)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
