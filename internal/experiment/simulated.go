package experiment

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/terminal"
)

// Simulated is what came of a Simulation: the autoscaler's course first.
type Simulated struct {
	Settings simulation.Settings `json:"simulation"`
	Courses  []simulation.Course `json:"courses"`

	took  time.Duration
	logic logicTime // of that, what user logic took
}

// Formats are those in which a simulation can be written, by their names.
var Formats = map[string]func(io.Writer, Simulated) error{"summary": summarize, "table": tabulate, "csv": writeCSV, "json": writeJSON}

// summarize draws the autoscaler's course, and sets the figures of all courses side by side.
func summarize(to io.Writer, result Simulated) error {
	own := result.Courses[0]
	fmt.Fprintf(to, "%s of load, in %s, of which %s in user logic\n", result.Settings.Duration.Duration, terminal.Round(result.took), terminal.Round(result.logic.total))
	startsInVain(to, result.logic)
	fmt.Fprintln(to)
	if terminal.Is(to) {
		chart(to, own.Rows)
		fmt.Fprintln(to)
	}
	if err := figures(to, result.Courses); err != nil {
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

// figures sets the figures of all courses side by side, and says what they mean.
func figures(to io.Writer, courses []simulation.Course) error {
	table := terminal.NewTable(to, 2)
	names := []string{""}
	for _, course := range courses {
		names = append(names, course.Name)
	}
	table.Row(names...)
	for i, figure := range courses[0].Figures {
		row := []string{figure.Name}
		for _, course := range courses {
			row = append(row, course.Figures[i].String())
		}
		table.Row(row...)
	}
	table.Row()
	for _, figure := range courses[0].Figures {
		table.Row(figure.Name, figure.Meaning)
	}
	return table.Flush()
}

// startsInVain reports how much of the time went into starting an interpreter, if that is much, and suggests a worker.
func startsInVain(to io.Writer, took logicTime) {
	if took.total < time.Second || took.starting < took.total/4 {
		return
	}
	fmt.Fprintf(to, "About %s of that (%d%%) went into starting %s %d times: %s.\n",
		terminal.Round(took.starting), 100*took.starting/took.total, filepath.Base(took.program), took.runs, strings.Join(took.methods, ", "))
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
	draw := func(name string, value func(simulation.Row) float64) {
		values := make([]float64, len(rows))
		for i, row := range rows {
			values[i] = value(row)
		}
		terminal.Bars(to, name, values)
	}
	draw("load", func(r simulation.Row) float64 { return r.Load })
	draw("capacity", func(r simulation.Row) float64 { return r.Capacity })
	draw("replicas", func(r simulation.Row) float64 { return float64(r.Desired) })
	draw("utilization", func(r simulation.Row) float64 { return 100 * r.Utilization })
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
func tabulate(to io.Writer, result Simulated) error {
	table := terminal.NewTable(to, 2)
	table.Row(strings.ToUpper(strings.Join(columns[1:], "\t")))
	for _, row := range result.Courses[0].Rows {
		table.Row(cells("", row)[1:]...)
	}
	return table.Flush()
}

// writeCSV writes every pass of every course.
func writeCSV(to io.Writer, result Simulated) error {
	writer := csv.NewWriter(to)
	lines := [][]string{columns}
	for _, course := range result.Courses {
		for _, row := range course.Rows {
			lines = append(lines, cells(course.Name, row))
		}
	}
	return writer.WriteAll(lines)
}

func writeJSON(to io.Writer, result Simulated) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(result)
}
