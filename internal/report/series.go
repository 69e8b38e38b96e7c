package report

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kubemetrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Series counts passes and runs of methods for Prometheus.
type Series struct{ metrics *telemetry.Metrics }

// NewMetrics are the series of an autoscaler, with the values of their labels; types are those of the methods of which there are runs.
// All series carry the labels.
func NewMetrics(types []string, age func() float64, labels prometheus.Labels) *telemetry.Metrics {
	words := telemetry.Words{Stages: pass.StageNames(), MethodTypes: types, MethodResults: method.Results()}
	for _, reason := range decision.Limiting() {
		words.Reasons = append(words.Reasons, string(reason))
	}
	return telemetry.NewMetrics(words, age, labels)
}

// NewSeries counts in the metrics. What can be counted of passes, methods (their types, by name) and specs starts at zero,
// so that the first failure is an increase.
func NewSeries(metrics *telemetry.Metrics, rules decision.Rules, methods map[string]string, specs []autoscalingv2.MetricSpec) *Series {
	metrics.Min.WithLabelValues().Set(float64(rules.Min))
	metrics.Max.WithLabelValues().Set(float64(rules.Max))
	for runType, results := range map[userlogic.RunType][]userlogic.Result{
		userlogic.Scaler:    {userlogic.Scaled, userlogic.Kept, userlogic.Disabled, userlogic.Failed},
		userlogic.API:       {userlogic.Scaled, userlogic.Kept, userlogic.Disabled, userlogic.Failed},
		userlogic.APIDryRun: {userlogic.Proposed, userlogic.Disabled, userlogic.Failed},
	} {
		for _, result := range results {
			metrics.Passes.WithLabelValues(string(runType), string(result))
		}
	}
	for name, kind := range methods {
		for _, result := range method.Results() {
			metrics.MethodRuns.WithLabelValues(name, kind, result)
		}
	}
	for i, spec := range specs {
		metrics.MetricErrors.WithLabelValues(specLabels(i, spec)...)
	}
	return &Series{metrics}
}

// Pass is a Watcher.
func (s *Series) Pass(_ context.Context, p pass.Pass) {
	s.metrics.Passes.WithLabelValues(string(p.RunType), string(p.Result())).Inc()
	for _, stage := range p.Stages {
		s.metrics.Stages.WithLabelValues(stage.Name).Observe(stage.Took.Seconds())
	}
	if failed, ok := errors.AsType[*kubemetrics.Error](p.MetricsProblem); ok {
		for _, spec := range failed.Specs {
			s.metrics.MetricErrors.WithLabelValues(specLabels(spec.Index, spec.Spec)...).Inc()
		}
	}
	if p.Decision != nil && !p.DryRun() {
		s.decided(*p.Decision)
	}
}

func (s *Series) decided(d decision.Decision) {
	s.metrics.Current.WithLabelValues().Set(float64(d.Current))
	s.metrics.Desired.WithLabelValues().Set(float64(d.Replicas))
	if d.Disabled() {
		s.metrics.Recommended.Reset() // nobody was asked
	} else {
		s.metrics.Recommended.WithLabelValues().Set(float64(d.Recommended))
	}
	for _, reason := range decision.Limiting() {
		limited := 0.0
		if d.Has(reason) {
			limited = 1
		}
		s.metrics.Limited.WithLabelValues(string(reason)).Set(limited)
	}
}

// Ran is told of each run of a method.
func (s *Series) Ran(run method.Run) {
	s.metrics.MethodRuns.WithLabelValues(run.Name, run.Type, run.Result()).Inc()
	s.metrics.Methods.WithLabelValues(run.Name, run.Type).Observe(run.Took.Seconds())
}

func specLabels(index int, spec autoscalingv2.MetricSpec) []string {
	return []string{fmt.Sprintf("kubernetesMetricSpecs[%d]", index), metrics.Describe(spec)}
}
