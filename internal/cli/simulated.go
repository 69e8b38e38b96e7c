package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

// wide is how many columns a chart has, so that all of it fits into 80.
const wide = 50

// summarize draws the autoscaler's course, and sets the figures of all courses side by side.
func summarize(to io.Writer, result simulated) error {
	own := result.Courses[0]
	fmt.Fprintf(to, "%s of load, in %s, of which %s in user logic\n", result.Settings.Duration.Duration, round(result.Took), round(result.Logic.total))
	startsInVain(to, result.Logic)
	fmt.Fprintln(to)
	if isTerminal(to) {
		chart(to, own.Rows)
		fmt.Fprintln(to)
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, course := range result.Courses {
		fmt.Fprintf(table, "\t%s", course.Name)
	}
	fmt.Fprintln(table)
	for i, figure := range own.Figures {
		fmt.Fprint(table, figure.Name)
		for _, course := range result.Courses {
			fmt.Fprintf(table, "\t%s", course.Figures[i])
		}
		fmt.Fprintln(table)
	}
	fmt.Fprintln(table)
	for _, figure := range own.Figures {
		fmt.Fprintf(table, "%s\t%s\n", figure.Name, figure.Meaning)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	marks(to, assertionsOf(result.Settings.Assert, own.Figures))
	for _, course := range result.Courses {
		if failure := firstFailure(course.Rows); failure != "" {
			fmt.Fprintf(to, "\n%s: the first pass that failed was %s\n", course.Name, failure)
		}
	}
	return nil
}

// startsInVain reports how much of the time went into starting an interpreter, if that is much, and suggests a worker.
func startsInVain(to io.Writer, took logicTime) {
	if took.total < time.Second || took.starting < took.total/4 {
		return
	}
	fmt.Fprintf(to, "About %s of that (%d%%) went into starting %s %d times: %s.\n",
		round(took.starting), 100*took.starting/took.total, filepath.Base(took.program), took.runs, strings.Join(took.methods, ", "))
	fmt.Fprintf(to, "As a worker it is started once: %s: {type: worker, ...}, see docs/workers.md\n", took.methods[0])
}

// marks lists the assertions, each with whether it holds.
func marks(to io.Writer, checks []checkedAssertion) {
	if len(checks) > 0 {
		fmt.Fprintln(to)
	}
	for _, check := range checks {
		if check.err != nil {
			fmt.Fprintf(to, "✗ %s\n", check.err)
			continue
		}
		fmt.Fprintf(to, "✓ %s\n", check.text)
	}
}

// round leaves three digits of a second or more, and milliseconds below.
func round(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}

func firstFailure(rows []simulation.Row) string {
	for _, row := range rows {
		if row.Failure != "" {
			return fmt.Sprintf("at %s, %s", row.At(), row.Failure)
		}
	}
	return ""
}

// chart is what a course looks like.
func chart(to io.Writer, rows []simulation.Row) {
	draw(to, "load", rows, func(r simulation.Row) float64 { return r.Load })
	draw(to, "capacity", rows, func(r simulation.Row) float64 { return r.Capacity })
	draw(to, "replicas", rows, func(r simulation.Row) float64 { return float64(r.Desired) })
	draw(to, "utilization", rows, func(r simulation.Row) float64 { return 100 * r.Utilization })
}

// draw is a line of bars, from the least to the most of a value; each bar is the highest of its part of the time.
func draw(to io.Writer, name string, rows []simulation.Row, value func(simulation.Row) float64) {
	const bars = "▁▂▃▄▅▆▇█"
	heights, least, most := make([]float64, min(wide, len(rows))), 0.0, 0.0
	for i, row := range rows {
		column := i * len(heights) / len(rows)
		heights[column] = max(heights[column], value(row))
		most = max(most, value(row))
	}
	var line strings.Builder
	levels := []rune(bars)
	for _, height := range heights {
		level := 0
		if most > least {
			level = int((height - least) / (most - least) * float64(len(levels)-1))
		}
		line.WriteRune(levels[level])
	}
	fmt.Fprintf(to, "%-12s %s  up to %.4g\n", name, line.String(), most)
}

// columns are what a pass is shown with.
var columns = []string{"course", "time", "load", "capacity", "utilization", "backlog", "pods", "ready", "current", "recommended", "desired", "reasons", "failure", "userReason"}

func cells(course string, r simulation.Row) []string {
	number := func(value float64) string { return fmt.Sprintf("%.4g", value) }
	return []string{
		course, r.At().String(), number(r.Load), number(r.Capacity), number(r.Utilization), number(r.Backlog), fmt.Sprint(r.Pods), fmt.Sprint(r.Ready),
		fmt.Sprint(r.Current), fmt.Sprint(r.Recommended), fmt.Sprint(r.Desired), r.Reasons, r.Failure, r.UserReason,
	}
}

// tabulate shows every pass of the autoscaler.
func tabulate(to io.Writer, result simulated) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.ToUpper(strings.Join(columns[1:], "\t")))
	for _, row := range result.Courses[0].Rows {
		fmt.Fprintln(table, strings.Join(cells("", row)[1:], "\t"))
	}
	return table.Flush()
}

// writeCSV writes every pass of every course.
func writeCSV(to io.Writer, result simulated) error {
	writer := csv.NewWriter(to)
	lines := [][]string{columns}
	for _, course := range result.Courses {
		for _, row := range course.Rows {
			lines = append(lines, cells(course.Name, row))
		}
	}
	return writer.WriteAll(lines)
}

func writeJSON(to io.Writer, result simulated) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(result)
}
