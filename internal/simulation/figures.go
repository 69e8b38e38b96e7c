package simulation

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// soon is within what a scaling that takes back the one before is a flap.
const soon = 10 * time.Minute

// Figure is one that matters.
type Figure struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Meaning string  `json:"meaning"`
	Percent bool    `json:"percent,omitempty"`
}

// String is the value as people read it.
func (f Figure) String() string {
	text := strconv.FormatFloat(math.Round(f.Value*100)/100, 'f', -1, 64)
	if f.Percent {
		return text + "%"
	}
	return text
}

// figures are those of a world that has been gone through.
func figures(w *World, rows []Row) []Figure {
	scalings, flaps, largest := scaled(rows)
	failed, peak := 0, int32(0)
	for _, row := range rows {
		peak = max(peak, row.Desired)
		if row.Failure != "" {
			failed++
		}
	}
	return []Figure{
		{Name: "pod_hours", Value: w.podTime.Hours(), Meaning: "hours that pods were there, all together"},
		{Name: "under_capacity", Value: 100 * float64(w.underTime) / float64(max(w.now, 1)), Percent: true, Meaning: "of the time the ready pods could not take the load"},
		{Name: "worst_backlog", Value: w.worstBacklog, Meaning: "the most load that waited, times seconds"},
		{Name: "scalings", Value: float64(scalings), Meaning: "changes of the number of replicas"},
		{Name: "largest_step", Value: float64(largest), Meaning: "the most replicas at one change"},
		{Name: "flaps", Value: float64(flaps), Meaning: fmt.Sprintf("changes that took back the one before within %s", short(soon))},
		{Name: "peak_replicas", Value: float64(peak), Meaning: "the most replicas"},
		{Name: "failed_passes", Value: float64(failed), Meaning: "passes that came to no decision"},
	}
}

// short leaves out the zeros of a duration: 10m, not 10m0s.
func short(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "m0s")
	if text != d.String() {
		return text + "m"
	}
	return text
}

// scaled counts changes, those that took the one before back, and by how many replicas the largest was.
func scaled(rows []Row) (scalings, flaps int, largest int32) {
	var last time.Duration
	var direction int32
	for _, row := range rows {
		change := row.Desired - row.Current
		if change == 0 {
			continue
		}
		at := time.Duration(row.Seconds * float64(time.Second))
		if scalings > 0 && (change > 0) != (direction > 0) && at-last <= soon {
			flaps++
		}
		scalings, direction, last = scalings+1, change, at
		largest = max(largest, change, -change)
	}
	return scalings, flaps, largest
}

// Assertion is what a figure has to be: under_capacity < 1%.
type Assertion struct {
	text, name, operator string
	value                float64
}

// ParseAssertion reads one.
func ParseAssertion(text string) (Assertion, error) {
	words := strings.Fields(text)
	if len(words) != 3 || !slices.Contains([]string{"<", "<=", ">", ">=", "=="}, words[1]) {
		return Assertion{}, fmt.Errorf("the assertion %q: it has to be like 'under_capacity < 1%%', with one of < <= > >= ==", text)
	}
	names := figureNames()
	if !slices.Contains(names, words[0]) {
		return Assertion{}, fmt.Errorf("the assertion %q: there is no figure %q; there are %s", text, words[0], strings.Join(names, ", "))
	}
	value, err := strconv.ParseFloat(strings.TrimSuffix(words[2], "%"), 64)
	if err != nil {
		return Assertion{}, fmt.Errorf("the assertion %q: %q is no number", text, words[2])
	}
	return Assertion{text, words[0], words[1], value}, nil
}

func figureNames() (names []string) {
	for _, figure := range figures(&World{now: 1}, nil) {
		names = append(names, figure.Name)
	}
	return names
}

// Check says how it is instead, or nothing.
func (a Assertion) Check(figures []Figure) error {
	for _, figure := range figures {
		if figure.Name == a.name && !a.holds(figure.Value) {
			return fmt.Errorf("%s: it is %s", a.text, figure)
		}
	}
	return nil
}

func (a Assertion) holds(value float64) bool {
	switch a.operator {
	case "<":
		return value < a.value
	case "<=":
		return value <= a.value
	case ">":
		return value > a.value
	case ">=":
		return value >= a.value
	}
	return value == a.value
}
