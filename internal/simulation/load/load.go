// Package load is how much load there is on a target over time: shapes with parameters, and traces that were recorded. Parts come in, a
// Curve goes out. It knows nothing of what the load does.
package load

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
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

const (
	// Longest is how long a load may last.
	Longest = 366 * 24 * time.Hour

	most      = 1e12
	mostTrace = 64 << 20 // bytes
)

// Curve is how much load there is at a time since the start.
type Curve func(at time.Duration) float64

var shapes = map[string]func(p Part, seed uint64) Curve{
	"flat": func(p Part, _ uint64) Curve { return func(time.Duration) float64 { return p.Low } },
	"step": func(p Part, _ uint64) Curve {
		return func(at time.Duration) float64 {
			if at < p.At.Duration {
				return p.Low
			}
			return p.High
		}
	},
	"spike": func(p Part, _ uint64) Curve {
		return func(at time.Duration) float64 {
			if at < p.At.Duration || at >= p.At.Duration+p.For.Duration {
				return 0
			}
			return p.High
		}
	},
	"ramp": func(p Part, _ uint64) Curve {
		return func(at time.Duration) float64 {
			done := float64(at-p.At.Duration) / float64(p.For.Duration)
			return p.Low + (p.High-p.Low)*max(0, min(1, done))
		}
	},
	"wave": func(p Part, _ uint64) Curve {
		return func(at time.Duration) float64 {
			turn := 2 * math.Pi * float64(at) / float64(p.Period.Duration)
			return p.Low + (p.High-p.Low)*(1-math.Cos(turn))/2
		}
	},
	"noise": func(p Part, seed uint64) Curve {
		return func(at time.Duration) float64 {
			return p.High * (2*rand.New(rand.NewPCG(seed, uint64(at/time.Minute))).Float64() - 1)
		}
	},
}

// Validate says what is wrong with the part.
func (p Part) Validate() error {
	switch {
	case p.Trace != "" && p.Shape != "":
		return fmt.Errorf("shape is %q and trace is %q: a part has one of them", p.Shape, p.Trace)
	case p.Trace != "":
		return nil
	case math.Abs(p.Low) > most || math.Abs(p.High) > most:
		return fmt.Errorf("low is %g and high is %g: a load can be %g at most", p.Low, p.High, most)
	case shapes[p.Shape] == nil:
		return fmt.Errorf("shape is %q: it has to be one of flat, step, spike, ramp, wave and noise, or give a trace", p.Shape)
	case p.Shape == "wave" && p.Period.Duration <= 0:
		return errors.New("period has to be more than 0 for a wave")
	case (p.Shape == "ramp" || p.Shape == "spike") && p.For.Duration <= 0:
		return fmt.Errorf("for has to be more than 0 for a %s", p.Shape)
	}
	return nil
}

// Parse reads a part as it is given on a command line: wave:low=10,high=100,period=24h, or a CSV file.
func Parse(text string) (part Part, err error) {
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
	wanted := "a number, such as 100"
	switch {
	case numbers[key] != nil:
		*numbers[key], err = strconv.ParseFloat(value, 64)
	case times[key] != nil:
		wanted = "a duration, such as 10m or 24h"
		times[key].Duration, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("%q is no parameter of a load: there are low, high, at, for and period", key)
	}
	if err != nil {
		return fmt.Errorf("the parameter %q of a load: it has to be %s", parameter, wanted)
	}
	return nil
}

// Sum is the load of all parts together, from start on, and never less than nothing.
func Sum(parts []Part, seed uint64, start time.Time) (Curve, error) {
	var all []Curve
	for i, part := range parts {
		if part.Trace == "" {
			all = append(all, shapes[part.Shape](part, seed+uint64(i)))
			continue
		}
		traced, err := readTrace(part.Trace)
		if err != nil {
			return nil, err
		}
		all = append(all, traced.from(start))
	}
	return func(at time.Duration) (sum float64) {
		for _, one := range all {
			sum += one(at)
		}
		return max(0, sum)
	}, nil
}
