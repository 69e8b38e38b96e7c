package report

import (
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// A pass may have the metrics of thousands of pods, each of a megabyte, and an error of any length. What is kept of one
// is at most about twelve kilobytes.
const (
	mostMetrics   = 10
	longestName   = 256 // of a resource, which Kubernetes bounds as well
	longestValue  = 128
	longestReason = 1 << 10
	longestError  = 4 << 10
)

// Document is a pass as the REST API tells of it.
func Document(pass autoscaler.Pass, target string) userlogic.Decision {
	d := userlogic.Decision{
		Time: pass.Began.UTC(), RunType: pass.RunType, Target: target, Result: result(pass),
		UserReason: telemetry.Clip(pass.UserReason, longestReason), Stages: []userlogic.StageDuration{},
	}
	if pass.Target.Name != "" {
		d.Target = pass.Target.Kind + " " + pass.Target.Namespace + "/" + pass.Target.Name
	}
	for _, stage := range pass.Stages {
		d.Stages = append(d.Stages, userlogic.StageDuration{Stage: stage.Name, Seconds: stage.Took.Seconds()})
		d.Seconds += stage.Took.Seconds()
	}
	for _, metric := range pass.Metrics[:min(mostMetrics, len(pass.Metrics))] {
		d.Metrics = append(d.Metrics, userlogic.ResourceMetric{Resource: telemetry.Clip(metric.Resource, longestName), Value: shownValue(pass, metric.Value)})
	}
	d.MetricsLeftOut = len(pass.Metrics) - len(d.Metrics)
	if pass.Decision != nil {
		decided(&d, *pass.Decision)
	}
	if failure := pass.Failure; failure != nil {
		d.Error = &userlogic.DecisionError{Stage: failure.Stage, Reason: failure.Reason, Message: telemetry.Clip(failure.Err.Error(), longestError)}
	} else if pass.MetricsProblem != nil {
		d.KubernetesMetricsError = telemetry.Clip(pass.MetricsProblem.Error(), longestError)
	}
	return d
}

// shownValue is the beginning of what metric replied, without credentials.
func shownValue(pass autoscaler.Pass, reply string) string {
	return telemetry.Clip(pass.Mask(telemetry.Clip(reply, longestError)), longestValue)
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

// result is the outcome in one word.
func result(pass autoscaler.Pass) userlogic.Result {
	switch d := pass.Decision; {
	case pass.Failure != nil:
		return userlogic.Failed
	case d.Disabled():
		return userlogic.Disabled
	case pass.DryRun():
		return userlogic.Proposed
	case d.Changes():
		return userlogic.Scaled
	}
	return userlogic.Kept
}
