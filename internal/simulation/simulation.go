// Package simulation is a cluster without a cluster: one target, its pods and a load on them, behind the Kubernetes API, in a
// time of its own. What scales the target cannot tell it from a real one.
//
// Settings and a load come in; the course of the load, the pods and the decisions goes out, pass by pass, with the figures that
// matter. It runs no autoscaler itself: whoever scales is asked for a pass at each tick.
package simulation

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
)

// Settings are what is simulated.
type Settings struct {
	Start    metav1.Time     `json:"start"`
	Duration metav1.Duration `json:"duration"`
	Seed     uint64          `json:"seed"`
	Replicas int32           `json:"replicas"` // at the start
	Load     []load.Part     `json:"load"`     // their sum is the load
	Pods     Pods            `json:"pods"`
	Metrics  Metrics         `json:"metrics"`
	Assert   []string        `json:"assert"`
}

// Given are the settings that somebody has set, which a trace does not.
type Given struct{ Start, Duration bool }

// Pods are how each pod of the target behaves.
type Pods struct {
	Capacity float64         `json:"capacity"` // the load that one takes when it is ready
	Starts   metav1.Duration `json:"starts"`   // from when it is made until it runs
	Ready    metav1.Duration `json:"ready"`    // from when it runs until it is ready
	Stops    metav1.Duration `json:"stops"`    // from when it is to go until it is gone
	Slow     Slow            `json:"slow"`
	Crashes  metav1.Duration `json:"crashes"` // how long it runs between two crashes, on average; never if 0
	CPU      Use             `json:"cpu"`
	Memory   Use             `json:"memory"`
}

// Slow are pods that take longer than others to run and to be ready.
type Slow struct {
	Share  float64 `json:"share"` // of all pods, from 0 to 1
	Factor float64 `json:"factor"`
}

// Use is what a pod uses of a resource, from none of its capacity to all.
type Use struct {
	Request resource.Quantity `json:"request"`
	Idle    resource.Quantity `json:"idle"`
	Busy    resource.Quantity `json:"busy"`
}

// Metrics are how the cluster measures.
type Metrics struct {
	Resolution metav1.Duration   `json:"resolution"` // how often pods are measured
	Lag        metav1.Duration   `json:"lag"`        // how long it takes until that is known
	Values     map[string]string `json:"values"`     // custom and external metrics: what each of them tells
}

// Default is what holds where nothing is said.
func Default() Settings {
	minutes := func(n time.Duration) metav1.Duration { return metav1.Duration{Duration: n} }
	return Settings{
		Start: metav1.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Duration: minutes(time.Hour), Seed: 1, Replicas: 1,
		Pods: Pods{
			Capacity: 100, Starts: minutes(2 * time.Second), Ready: minutes(10 * time.Second), Stops: minutes(time.Second), Slow: Slow{Factor: 4},
			CPU:    Use{resource.MustParse("200m"), resource.MustParse("10m"), resource.MustParse("200m")},
			Memory: Use{resource.MustParse("64Mi"), resource.MustParse("32Mi"), resource.MustParse("48Mi")},
		},
		Metrics: Metrics{Resolution: minutes(15 * time.Second), Lag: minutes(5 * time.Second)},
	}
}

// LoadSettings reads them from a file; traces are looked for beside it.
func LoadSettings(path string) (Settings, Given, error) {
	settings := Default()
	has, err := decode.File(path, "simulation", &settings)
	if err != nil {
		return Settings{}, Given{}, err
	}
	for i := range settings.Load {
		if trace := settings.Load[i].Trace; trace != "" && !filepath.IsAbs(trace) {
			settings.Load[i].Trace = filepath.Join(filepath.Dir(path), trace)
		}
	}
	return settings, Given{has("start"), has("duration")}, nil
}

// Complete sets what nobody has given by the traces: a simulation starts with the first date that they have, and lasts until the end of
// the last.
func (s *Settings) Complete(given Given) error {
	traced, err := load.TracedBy(s.Load)
	if err != nil {
		return err
	}
	lasts := traced.Longest
	if !traced.Begin.IsZero() {
		if !given.Start {
			s.Start = metav1.NewTime(traced.Begin)
		}
		lasts = max(lasts, traced.End.Sub(s.Start.Time))
	}
	if !given.Duration && lasts > 0 {
		s.Duration.Duration = lasts
	}
	return nil
}

// A simulation is gone through second by second, with all of its pods, and all passes are kept: each of these has a bound.
const (
	longestLag = time.Hour
	MostPods   = 10_000
	mostPasses = 1_000_000
)

// Validate gives all that is wrong.
func (s Settings) Validate() error {
	var wrong []error
	refuse := func(is bool, key string, value any, rule string) {
		if is {
			wrong = append(wrong, fmt.Errorf("%s is %v: %s", key, value, rule))
		}
	}
	start := s.Start.UTC()
	refuse(start.Year() < 1970 || start.Year() > 2200, "start", start.Format(time.RFC3339), "it has to be from 1970 to 2200")
	refuse(s.Duration.Duration <= 0 || s.Duration.Duration > load.Longest, "duration", s.Duration.Duration, "it has to be more than 0, and a year at most")
	refuse(s.Replicas < 0 || s.Replicas > MostPods, "replicas", s.Replicas, fmt.Sprintf("it has to be from 0 to %d", MostPods))
	refuse(len(s.Load) == 0, "load", "empty", "at least one part is needed, such as {shape: wave, low: 10, high: 100, period: 24h}")
	refuse(s.Pods.Capacity <= 0, "pods.capacity", s.Pods.Capacity, "it has to be more than 0")
	refuse(s.Pods.Slow.Share < 0 || s.Pods.Slow.Share > 1, "pods.slow.share", s.Pods.Slow.Share, "it has to be from 0 to 1")
	refuse(s.Pods.Slow.Factor < 1, "pods.slow.factor", s.Pods.Slow.Factor, "it has to be 1 at least")
	refuse(s.Metrics.Resolution.Duration < time.Second, "metrics.resolution", s.Metrics.Resolution.Duration, "it has to be 1s at least")
	for key, d := range map[string]time.Duration{
		"pods.starts": s.Pods.Starts.Duration, "pods.ready": s.Pods.Ready.Duration, "pods.stops": s.Pods.Stops.Duration,
		"pods.crashes": s.Pods.Crashes.Duration, "metrics.lag": s.Metrics.Lag.Duration,
	} {
		refuse(d < 0 || d > load.Longest, key, d, "it has to be from 0 to a year")
	}
	refuse(s.Metrics.Lag.Duration > longestLag, "metrics.lag", s.Metrics.Lag.Duration, fmt.Sprintf("it can be %s at most", longestLag))
	for name, series := range s.Metrics.Values {
		refuse(tellers[series] == nil, "metrics.values."+name, series, "it has to be one of "+seriesNames())
	}
	for i, part := range s.Load {
		if err := part.Validate(); err != nil {
			wrong = append(wrong, fmt.Errorf("load[%d]: %w", i, err))
		}
	}
	return errors.Join(wrong...)
}

// at is the use at a part of the capacity.
func (u Use) at(part float64) float64 {
	idle, busy := u.Idle.AsApproximateFloat64(), u.Busy.AsApproximateFloat64()
	return idle + part*(busy-idle)
}
