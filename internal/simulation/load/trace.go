package load

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

// trace is a load that was recorded: its points, by time. Between two points the load changes evenly.
type trace struct {
	begin  time.Time // the date of the first point; zero where times are since the start
	points []point
}

// point is a line of a trace.
type point struct {
	at   time.Duration // since the begin, or else since the start
	load float64
	line int
}

// from is the trace as the curve of a simulation that starts at a time.
func (t trace) from(start time.Time) Curve {
	shift := time.Duration(0)
	if !t.begin.IsZero() {
		shift = t.begin.Sub(start)
	}
	points := t.points
	return func(at time.Duration) float64 {
		at -= shift
		i := sort.Search(len(points), func(i int) bool { return points[i].at > at })
		switch i {
		case 0:
			return points[0].load
		case len(points):
			return points[i-1].load
		}
		before, after := points[i-1], points[i]
		part := float64(at-before.at) / float64(after.at-before.at)
		return before.load + part*(after.load-before.load)
	}
}

// Traced is the time that traces are about.
type Traced struct {
	Begin, End time.Time     // of those with dates; zero if there are none
	Longest    time.Duration // of those without
}

// TracedBy reads the traces among parts.
func TracedBy(parts []Part) (all Traced, err error) {
	for _, part := range parts {
		if part.Trace == "" {
			continue
		}
		t, err := readTrace(part.Trace)
		if err != nil {
			return Traced{}, err
		}
		last := t.points[len(t.points)-1].at
		if t.begin.IsZero() {
			all.Longest = max(all.Longest, last)
			continue
		}
		if all.Begin.IsZero() || t.begin.Before(all.Begin) {
			all.Begin = t.begin
		}
		if ends := t.begin.Add(last); ends.After(all.End) {
			all.End = ends
		}
	}
	return all, nil
}

// readTrace reads a CSV file with a time and a load in each line.
func readTrace(path string) (trace, error) {
	file, err := os.Open(path)
	if err != nil {
		return trace{}, fmt.Errorf("reading the load: %w", err)
	}
	defer file.Close()
	bounded := &io.LimitedReader{R: file, N: mostTrace + 1}
	read, err := parseTrace(bounded)
	if bounded.N == 0 {
		return trace{}, fmt.Errorf("reading the load from %s: it has more than %d bytes, the most that is read", path, mostTrace)
	}
	if err != nil {
		return trace{}, fmt.Errorf("reading the load from %s: %w", path, err)
	}
	return read, nil
}

func parseTrace(from io.Reader) (trace, error) {
	reader := csv.NewReader(from)
	reader.TrimLeadingSpace, reader.Comment, reader.ReuseRecord, reader.FieldsPerRecord = true, '#', true, -1
	var t trace
	for first := true; ; first = false {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return trace{}, err
		}
		line, _ := reader.FieldPos(0)
		if len(record) < 2 {
			return trace{}, fmt.Errorf("line %d has 1 field: a time and a load are needed", line)
		}
		load, err := strconv.ParseFloat(record[1], 64)
		if first && err != nil { // the names of the columns
			continue
		}
		if err := t.add(record[0], load, err, line); err != nil {
			return trace{}, fmt.Errorf("line %d (%s): %w", line, strings.Join(record, ","), err)
		}
	}
	if len(t.points) == 0 {
		return trace{}, errors.New("there are no lines with a time and a load")
	}
	return t, nil
}

// add adds a point, which has to be later than the one before.
func (t *trace) add(text string, load float64, wrong error, line int) error {
	at, date, err := timeOf(text)
	if err := errors.Join(wrong, err); err != nil || !(math.Abs(load) <= most) {
		return fmt.Errorf("a time (15, 1h30m, 1767268800 or 2026-01-01T12:00:00Z) and a load are needed, of %g at most", most)
	}
	if len(t.points) == 0 {
		t.begin = date
	}
	if date.IsZero() != t.begin.IsZero() {
		return errors.New("the times of a trace are all since the start, or all dates")
	}
	if !date.IsZero() {
		at = date.Sub(t.begin)
	}
	if before := len(t.points) - 1; before >= 0 && at <= t.points[before].at {
		return fmt.Errorf("its time is not after that of line %d: times have to rise", t.points[before].line)
	}
	if at < 0 || at > Longest {
		return errors.New("a time has to be from the start to a year after it")
	}
	t.points = append(t.points, point{at, load, line})
	return nil
}

const (
	// earliestEpoch is the first number of a time that is in seconds since 1970 (of March 1973), and not since the start.
	earliestEpoch = 1e8

	// earliestMillis is the first that is in milliseconds since 1970, and latestMillis the last.
	earliestMillis, latestMillis = 1e11, 1e13
)

// dates are the forms in which dates are found in files; without a zone they are in UTC.
var dates = []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly}

// timeOf is a time since the start, in seconds or as a duration, or else a date, which may be the seconds or milliseconds since 1970.
func timeOf(text string) (since time.Duration, date time.Time, err error) {
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		switch {
		case math.IsNaN(number) || number < 0 || number > latestMillis:
			return 0, time.Time{}, strconv.ErrRange
		case number >= earliestMillis:
			return 0, time.UnixMilli(int64(number)).UTC(), nil
		case number >= earliestEpoch:
			whole, part := math.Modf(number)
			return 0, time.Unix(int64(whole), int64(part*float64(time.Second))).UTC(), nil
		}
		return time.Duration(number * float64(time.Second)), time.Time{}, nil
	}
	if since, err := time.ParseDuration(text); err == nil {
		return since, time.Time{}, nil
	}
	for _, form := range dates {
		if date, err = time.Parse(form, text); err == nil {
			return 0, date.UTC(), nil
		}
	}
	return 0, time.Time{}, err
}
