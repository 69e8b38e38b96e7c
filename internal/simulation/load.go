package simulation

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Part is one part of the load: a shape with its parameters, or a trace.
//
//	flat   low
//	step   low until at, high from then on
//	spike  high from at on, for so long; nothing else
//	ramp   low until at, then evenly to high, for so long
//	wave   from low to high and back, in a period
//	noise  up to high more or less than nothing, another each minute
type Part struct {
	Shape  string          `json:"shape"`
	Low    float64         `json:"low"`
	High   float64         `json:"high"`
	At     metav1.Duration `json:"at"`
	For    metav1.Duration `json:"for"`
	Period metav1.Duration `json:"period"`
	Trace  string          `json:"trace"` // a CSV file with the columns time and load
}

// curve is how much load there is at a time since the start.
type curve func(at time.Duration) float64

var shapes = map[string]func(p Part, seed uint64) curve{
	"flat": func(p Part, _ uint64) curve { return func(time.Duration) float64 { return p.Low } },
	"step": func(p Part, _ uint64) curve {
		return func(at time.Duration) float64 {
			if at < p.At.Duration {
				return p.Low
			}
			return p.High
		}
	},
	"spike": func(p Part, _ uint64) curve {
		return func(at time.Duration) float64 {
			if at < p.At.Duration || at >= p.At.Duration+p.For.Duration {
				return 0
			}
			return p.High
		}
	},
	"ramp": func(p Part, _ uint64) curve {
		return func(at time.Duration) float64 {
			done := float64(at-p.At.Duration) / float64(p.For.Duration)
			return p.Low + (p.High-p.Low)*max(0, min(1, done))
		}
	},
	"wave": func(p Part, _ uint64) curve {
		return func(at time.Duration) float64 {
			turn := 2 * math.Pi * float64(at) / float64(p.Period.Duration)
			return p.Low + (p.High-p.Low)*(1-math.Cos(turn))/2
		}
	},
	"noise": func(p Part, seed uint64) curve {
		return func(at time.Duration) float64 {
			return p.High * (2*rand.New(rand.NewPCG(seed, uint64(at/time.Minute))).Float64() - 1)
		}
	},
}

func (p Part) validate() error {
	switch {
	case p.Trace != "" && p.Shape != "":
		return fmt.Errorf("shape is %q and trace is %q: a part has one of them", p.Shape, p.Trace)
	case p.Trace != "":
		return nil
	case math.Abs(p.Low) > mostLoad || math.Abs(p.High) > mostLoad:
		return fmt.Errorf("low is %g and high is %g: a load can be %g at most", p.Low, p.High, mostLoad)
	case shapes[p.Shape] == nil:
		return fmt.Errorf("shape is %q: it has to be one of flat, step, spike, ramp, wave and noise, or give a trace", p.Shape)
	case p.Shape == "wave" && p.Period.Duration <= 0:
		return errors.New("period has to be more than 0 for a wave")
	case (p.Shape == "ramp" || p.Shape == "spike") && p.For.Duration <= 0:
		return fmt.Errorf("for has to be more than 0 for a %s", p.Shape)
	}
	return nil
}

// ParsePart reads a part as it is given on a command line: wave:low=10,high=100,period=24h, or a CSV file.
func ParsePart(text string) (part Part, err error) {
	shape, parameters, _ := strings.Cut(text, ":")
	if shapes[shape] == nil {
		if strings.HasSuffix(text, ".csv") {
			return Part{Trace: text}, nil
		}
		return Part{}, fmt.Errorf("%q is no load: give a CSV file, or one of flat, step, spike, ramp, wave and noise, such as wave:low=10,high=100,period=24h", text)
	}
	part.Shape = shape
	for parameter := range strings.SplitSeq(parameters, ",") {
		if err == nil && parameter != "" {
			err = part.set(parameter)
		}
	}
	return part, err
}

func (p *Part) set(parameter string) (err error) {
	key, value, _ := strings.Cut(parameter, "=")
	numbers := map[string]*float64{"low": &p.Low, "high": &p.High}
	times := map[string]*metav1.Duration{"at": &p.At, "for": &p.For, "period": &p.Period}
	switch {
	case numbers[key] != nil:
		*numbers[key], err = strconv.ParseFloat(value, 64)
	case times[key] != nil:
		times[key].Duration, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("%q is no parameter of a load: there are low, high, at, for and period", key)
	}
	if err != nil {
		return fmt.Errorf("reading the parameter %q of a load: %w", parameter, err)
	}
	return nil
}

// loadOf is the sum of all parts, and never less than nothing.
func loadOf(parts []Part, seed uint64) (curve, error) {
	var all []curve
	for i, part := range parts {
		if part.Trace == "" {
			all = append(all, shapes[part.Shape](part, seed+uint64(i)))
			continue
		}
		traced, err := readTrace(part.Trace)
		if err != nil {
			return nil, err
		}
		all = append(all, traced)
	}
	return func(at time.Duration) (sum float64) {
		for _, one := range all {
			sum += one(at)
		}
		return max(0, sum)
	}, nil
}

// point is a line of a trace.
type point struct {
	at   time.Duration
	load float64
}

// readTrace reads a CSV file with a time and a load in each line; between two lines the load changes evenly.
func readTrace(path string) (curve, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the load: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > mostTrace {
		return nil, fmt.Errorf("reading the load from %s: it has %d bytes, and %d are read at most", path, info.Size(), mostTrace)
	}
	reader := csv.NewReader(file)
	reader.TrimLeadingSpace, reader.Comment = true, '#'
	lines, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the load from %s: %w", path, err)
	}
	points, err := pointsOf(lines)
	if err != nil {
		return nil, fmt.Errorf("reading the load from %s: %w", path, err)
	}
	return interpolate(points), nil
}

func pointsOf(lines [][]string) (points []point, err error) {
	var start time.Time
	for i, line := range lines {
		if len(line) < 2 {
			return nil, fmt.Errorf("record %d has %d fields: a time and a load are needed", i+1, len(line))
		}
		load, loadErr := strconv.ParseFloat(line[1], 64)
		if i == 0 && loadErr != nil { // the names of the columns
			continue
		}
		at, timeErr := timeOf(line[0], &start)
		if err := errors.Join(loadErr, timeErr); err != nil || !(math.Abs(load) <= mostLoad) {
			return nil, fmt.Errorf("record %d (%s): a time (15, 1h30m or 2026-01-01T12:00:00Z) and a load are needed, of %g at most: %w", i+1, strings.Join(line, ","), mostLoad, err)
		}
		points = append(points, point{at, load})
	}
	if len(points) == 0 {
		return nil, errors.New("there are no records")
	}
	if !slices.IsSortedFunc(points, func(a, b point) int { return cmp.Compare(a.at, b.at) }) {
		return nil, errors.New("its times have to rise")
	}
	return points, nil
}

// timeOf is a time since the start: in seconds, as a duration, or as a date, the first of which is the start.
func timeOf(text string, start *time.Time) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	if since, err := time.ParseDuration(text); err == nil {
		return since, nil
	}
	date, err := time.Parse(time.RFC3339, text)
	if start.IsZero() {
		*start = date
	}
	return date.Sub(*start), err
}

func interpolate(points []point) curve {
	return func(at time.Duration) float64 {
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
