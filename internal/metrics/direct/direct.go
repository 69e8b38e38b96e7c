// Package direct is what sources have in common that are read by the autoscaler itself, and not by the metrics APIs of a cluster: each is
// an entry of metricSources. A kind of them is a folder beside this one.
package direct

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Kind is one kind of source. It is a pointer to the settings that sources of its type have, and a folder of its own; a field of
// kinds.Source adds it. A kind that can look for what it needs without reading a value is a Checked.
type Kind interface {
	// Description says what a configuration has to know. It does not depend on the settings, which may be nil.
	Description() Description

	// SetDefaults is called on fresh settings before they are read, so that what is left out is told from what is set to zero.
	SetDefaults()

	// Read reads the metric. It ends when ctx is done.
	Read(ctx context.Context, scene *metrics.Scene) (Value, error)
}

// Description is what a configuration knows of a kind.
type Description struct {
	Meaning string     // of the key that has the settings
	Keys    []rule.Key // of the settings
}

// Value is what was read, in the metric's own unit.
type Value struct {
	Amount float64
	At     time.Time
}

// Checked is a kind that can look for what it needs. Servers are only asked where that is wanted.
type Checked interface {
	Check(ctx context.Context, name string, ask bool) []finding.Item
}

// World is what a simulation has in place of what sources read.
type World interface {
	// Value is that of the metric with the name of a source.
	Value(metric string) (float64, error)
}

// Settings are those of a source: of its kind, and what all sources have.
type Settings struct {
	Key        string // in the configuration: metricSources[0]
	Name, Type string
	Timeout    time.Duration
	Target     *autoscalingv2.MetricTarget // nil where it aims at nothing
	Kind       Kind
}

type source struct {
	Settings
	read func(context.Context, *metrics.Scene) (Value, error)
}

// Open makes a source ready.
func Open(settings Settings) metrics.Source { return source{settings, settings.Kind.Read} }

// Simulate makes a source ready that reads a simulated world.
func Simulate(settings Settings, world World) metrics.Source {
	return source{settings, func(_ context.Context, scene *metrics.Scene) (Value, error) {
		amount, err := world.Value(settings.Name)
		return Value{amount, scene.Now}, err
	}}
}

func (s source) ID() metrics.ID {
	return metrics.ID{Key: s.Key, Type: s.Type, Name: s.Type + " " + s.Name}
}

func (s source) Gather(ctx context.Context, scene *metrics.Scene) (metrics.Metric, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, fmt.Errorf("there was no value within %s (timeout: %d ms)", s.Timeout, s.Timeout.Milliseconds()))
	defer cancel()
	value, err := s.read(ctx, scene)
	switch {
	case err != nil && ctx.Err() != nil:
		return metrics.Metric{}, fmt.Errorf("%w: %w", context.Cause(ctx), err)
	case err != nil:
		return metrics.Metric{}, err
	case math.IsNaN(value.Amount) || math.IsInf(value.Amount, 0):
		return metrics.Metric{}, fmt.Errorf("the value is %v, which is no number that could be compared", value.Amount)
	}
	document := userlogic.SourceMetric{Name: s.Name, Type: s.Type, Value: value.Amount, ReadyPodCount: scene.ReadyPods(), Timestamp: metav1.NewTime(value.At)}
	return s.metricOf(document), nil
}

// Recall finds the document of the source of the same name and type.
func (s source) Recall(recorded metrics.Documents) (metrics.Metric, error) {
	for _, document := range recorded.Sources {
		if document.Name == s.Name && document.Type == s.Type {
			return s.metricOf(document), nil
		}
	}
	return metrics.Metric{}, errors.New("it was not recorded")
}

// metricOf is a document with its numbers. One that aims at nothing is for user logic alone.
func (s source) metricOf(document userlogic.SourceMetric) metrics.Metric {
	reading := metrics.Reading{Name: s.Type + " metric " + s.Name}
	if s.Target != nil {
		value, ready := milli(document.Value), document.ReadyPodCount
		reading.Target, reading.Value = *s.Target, &userlogic.SingleMetric{Timestamp: document.Timestamp}
		if s.Target.Type == autoscalingv2.AverageValueMetricType {
			reading.Value.Current.AverageValue = &value
		} else {
			reading.Value.Current.Value, reading.Value.ReadyPodCount = &value, &ready
		}
	}
	return metrics.Metric{Reading: reading, Source: &document}
}

// milli is an amount in thousandths, held between the smallest and the largest number there is.
func milli(amount float64) int64 {
	switch thousandths := amount * 1000; {
	case thousandths >= math.MaxInt64:
		return math.MaxInt64
	case thousandths <= math.MinInt64:
		return math.MinInt64
	default:
		return int64(math.Round(thousandths))
	}
}
