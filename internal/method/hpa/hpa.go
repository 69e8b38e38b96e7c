// Package hpa is the kind of method that proposes what a HorizontalPodAutoscaler would, without user code.
package hpa

import (
	"context"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/hpa"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Settings say how the proposal is made.
type Settings struct {
	Tolerance float64 `json:"tolerance"`
}

var keys = []rule.Key{
	{Name: "tolerance", Meaning: "how far a metric may be from its target, as a part of it, without a change of replicas", Rule: rule.From(0, 1)},
}

// Description is that of a method.Kind. What proposes the same as a HorizontalPodAutoscaler needs the same window where nobody sets
// another: that of its controller.
func (*Settings) Description() method.Description {
	return method.Description{
		Meaning: "how the proposal is made, when type is hpa", Keys: keys, Optional: true,
		Only: "evaluate", InProcess: true, Proposes: true, StabilizationWindow: 300 * time.Second,
	}
}

// SetDefaults is that of a method.Kind.
func (s *Settings) SetDefaults() { s.Tolerance = 0.1 }

// Open is that of a method.Kind.
func (s *Settings) Open(method.Common) (method.Logic, error) { return *s, nil }

// Evaluate is that of a method.Evaluator.
func (s Settings) Evaluate(_ context.Context, seen pass.Observation) (userlogic.Evaluation, error) {
	readings := make([]metrics.Reading, len(seen.Gathered))
	for i, metric := range seen.Gathered {
		readings[i] = metric.Reading
	}
	proposal, err := hpa.Propose(hpa.Input{
		SpecReplicas: seen.Target.Replicas, StatusReplicas: seen.Target.Running,
		Metrics: readings, Failed: seen.Missing, Tolerance: s.Tolerance,
	})
	return userlogic.Evaluation{TargetReplicas: proposal.Replicas, Reason: proposal.Reason}, err
}
