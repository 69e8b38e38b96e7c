package report

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Series counts passes and runs of methods for Prometheus.
type Series struct{ series *telemetry.Metrics }

// NewMetrics are the series of an autoscaler, with the values of their labels; types are those of the methods of which there are runs.
// All series carry the labels.
func NewMetrics(types []string, age func() float64, labels prometheus.Labels) *telemetry.Metrics {
	words := telemetry.Words{Stages: pass.StageNames(), MethodTypes: types, MethodResults: method.Results()}
	for _, reason := range decision.Limiting() {
		words.Reasons = append(words.Reasons, string(reason))
	}
	return telemetry.NewMetrics(words, age, labels)
}

// NewSeries counts in the series. What can be counted of passes, methods (their types, by name) and sources starts at zero,
// so that the first failure is an increase.
func NewSeries(series *telemetry.Metrics, rules decision.Rules, methods map[string]string, sources []metrics.ID) *Series {
	series.Min.WithLabelValues().Set(float64(rules.Min))
	series.Max.WithLabelValues().Set(float64(rules.Max))
	for runType, results := range map[userlogic.RunType][]userlogic.Result{
		userlogic.Scaler:    {userlogic.Scaled, userlogic.Kept, userlogic.Disabled, userlogic.Failed},
		userlogic.API:       {userlogic.Scaled, userlogic.Kept, userlogic.Disabled, userlogic.Failed},
		userlogic.APIDryRun: {userlogic.Proposed, userlogic.Disabled, userlogic.Failed},
	} {
		for _, result := range results {
			series.Passes.WithLabelValues(string(runType), string(result))
		}
	}
	for name, kind := range methods {
		for _, result := range method.Results() {
			series.MethodRuns.WithLabelValues(name, kind, result)
		}
	}
	for _, source := range sources {
		series.MetricErrors.WithLabelValues(source.Key, source.Name)
	}
	return &Series{series}
}

// Pass is a Watcher.
func (s *Series) Pass(_ context.Context, p pass.Pass) {
	s.series.Passes.WithLabelValues(string(p.RunType), string(p.Result())).Inc()
	for _, stage := range p.Stages {
		s.series.Stages.WithLabelValues(stage.Name).Observe(stage.Took.Seconds())
	}
	if problem, ok := errors.AsType[*metrics.Error](p.MetricsProblem); ok {
		for _, failed := range problem.Failed {
			s.series.MetricErrors.WithLabelValues(failed.ID.Key, failed.ID.Name).Inc()
		}
	}
	if p.Decision != nil && !p.DryRun() {
		s.decided(*p.Decision)
	}
}

func (s *Series) decided(d decision.Decision) {
	s.series.Current.WithLabelValues().Set(float64(d.Current))
	s.series.Desired.WithLabelValues().Set(float64(d.Replicas))
	if d.Disabled() {
		s.series.Recommended.Reset() // nobody was asked
	} else {
		s.series.Recommended.WithLabelValues().Set(float64(d.Recommended))
	}
	for _, reason := range decision.Limiting() {
		limited := 0.0
		if d.Has(reason) {
			limited = 1
		}
		s.series.Limited.WithLabelValues(string(reason)).Set(limited)
	}
}

// Ran is told of each run of a method.
func (s *Series) Ran(run method.Run) {
	s.series.MethodRuns.WithLabelValues(run.Name, run.Type, run.Result()).Inc()
	s.series.Methods.WithLabelValues(run.Name, run.Type).Observe(run.Took.Seconds())
}
