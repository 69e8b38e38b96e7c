package pass

import (
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// A pass may have the metrics of thousands of pods, each of a megabyte, and an error of any length. What is kept of one
// is at most about twelve kilobytes.
const (
	mostMetrics   = 10
	longestName   = 256 // of a resource, which Kubernetes bounds as well
	longestValue  = 128
	longestReason = 1 << 10
	LongestError  = 4 << 10
)

// Document is the pass as the REST API tells of it; target is what it was about until that has been read.
func (p Pass) Document(target string) userlogic.Decision {
	d := userlogic.Decision{
		Time: p.Began.UTC(), RunType: p.RunType, Target: target, Result: p.Result(),
		UserReason: text.Clip(p.UserReason, longestReason), Stages: []userlogic.StageDuration{},
	}
	if p.Target.Name != "" {
		d.Target = p.Target.Kind + " " + p.Target.Namespace + "/" + p.Target.Name
	}
	for _, stage := range p.Stages {
		d.Stages = append(d.Stages, userlogic.StageDuration{Stage: stage.Name, Seconds: stage.Took.Seconds()})
		d.Seconds += stage.Took.Seconds()
	}
	for _, metric := range p.Metrics[:min(mostMetrics, len(p.Metrics))] {
		d.Metrics = append(d.Metrics, userlogic.ResourceMetric{Resource: text.Clip(metric.Resource, longestName), Value: p.shownValue(metric.Value)})
	}
	d.MetricsLeftOut = len(p.Metrics) - len(d.Metrics)
	if p.Decision != nil {
		decided(&d, *p.Decision)
	}
	if failure := p.Failure; failure != nil {
		known := p.Fault()
		d.Error = &userlogic.DecisionError{
			Stage: failure.Stage, Reason: failure.Reason, Message: text.Clip(failure.Err.Error(), LongestError),
			Doing: text.Clip(known.Doing, longestReason), Cause: text.Clip(known.Cause, longestReason),
			Setting: text.Clip(known.Setting, longestName), Hint: text.Clip(known.Hint, longestReason), Retry: known.Retry,
		}
	} else if p.MetricsProblem != nil {
		d.KubernetesMetricsError = text.Clip(p.MetricsProblem.Error(), LongestError)
	}
	return d
}

// shownValue is the beginning of what metric replied, without credentials.
func (p Pass) shownValue(reply string) string {
	return text.Clip(p.Mask(text.Clip(reply, LongestError)), longestValue)
}

// decided adds the numbers, and why they are what they are. There was no recommendation where scaling is disabled.
func decided(d *userlogic.Decision, decided decision.Decision) {
	d.CurrentReplicas, d.DesiredReplicas = &decided.Current, &decided.Replicas
	if d.Result != userlogic.Disabled {
		d.RecommendedReplicas = &decided.Recommended
	}
	for _, step := range decided.Chain {
		reason := userlogic.DecisionReason{Reason: string(step.Reason), Message: step.Message, Setting: step.Setting}
		if !step.Until.IsZero() {
			reason.Until = new(step.Until.UTC().Truncate(time.Millisecond))
		}
		d.Reasons = append(d.Reasons, reason)
	}
}

// Result is the outcome in one word.
func (p Pass) Result() userlogic.Result {
	switch d := p.Decision; {
	case p.Failure != nil:
		return userlogic.Failed
	case d.Disabled():
		return userlogic.Disabled
	case p.DryRun():
		return userlogic.Proposed
	case d.Changes():
		return userlogic.Scaled
	}
	return userlogic.Kept
}
