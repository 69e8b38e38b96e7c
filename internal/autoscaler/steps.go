package autoscaler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/lease"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/level"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// step is one thing that a pass does, and the HorizontalPodAutoscaler's word for not being able to.
type step struct {
	name    string
	do      func(*run, context.Context) error
	failure func(error) string
}

// steps are all there are, in their order.
var steps = []step{
	{pass.ReadTarget, (*run).readTarget, failedRead},
	{pass.ListPods, (*run).listPods, always("FailedComputeMetricsReplicas")},
	{pass.KubernetesMetrics, (*run).gather, failedMetric},
	{pass.Metric, (*run).metric, always("FailedComputeMetricsReplicas")},
	{pass.Evaluate, (*run).evaluate, always("FailedComputeMetricsReplicas")},
	{pass.Decide, (*run).decide, always("FailedComputeMetricsReplicas")},
	{pass.Scale, (*run).scale, failedScale},
}

func always(reason string) func(error) string { return func(error) string { return reason } }

func failedRead(err error) string { return unlessNotHeld(err, "FailedGetScale") }

func failedScale(err error) string { return unlessNotHeld(err, "FailedRescale") }

func unlessNotHeld(err error, reason string) string {
	if _, ok := errors.AsType[lease.NotHeldError](err); ok {
		return pass.LeaseNotHeld
	}
	return reason
}

// failedMetric names the type of the first source that failed: FailedGetResourceMetric.
func failedMetric(err error) string {
	if source, ok := errors.AsType[metrics.SourceError](err); ok {
		return fmt.Sprintf("FailedGet%sMetric", source.ID.Type)
	}
	return "FailedComputeMetricsReplicas"
}

func (r *run) readTarget(ctx context.Context) (err error) {
	if err := r.checkLease(ctx); err != nil {
		return err
	}
	if r.Snapshot, err = r.parts.Target.Read(ctx); err != nil {
		return err
	}
	s := r.Snapshot
	r.Target = corev1.ObjectReference{APIVersion: s.Ref.APIVersion, Kind: s.Ref.Kind, Namespace: s.Namespace, Name: s.Ref.Name, UID: s.UID}
	if s.Replicas == 0 && r.settings.Rules.Min != 0 {
		disabled := decision.Disabled()
		r.Decision, r.over = &disabled, true
	}
	return nil
}

// checkLease gives an error while another autoscaler may be scaling. A dry run needs no lease.
func (r *run) checkLease(ctx context.Context) error {
	if r.parts.CheckLease == nil || r.DryRun() {
		return nil
	}
	return r.parts.CheckLease(ctx)
}

func (r *run) listPods(ctx context.Context) (err error) {
	if !r.settings.NeedsPods {
		return nil
	}
	before := r.noSelector
	if r.noSelector = r.Snapshot.Selector == nil; r.noSelector && !before {
		r.parts.Log.Warn("pods are asked for, and there are none", "err", workload.ErrNoSelector)
	}
	r.Snapshot.Pods, err = r.parts.Target.Pods(ctx, r.Snapshot)
	return err
}

func (r *run) gather(ctx context.Context) error {
	if r.parts.Sources == nil {
		return nil
	}
	r.Gathered, r.MetricsProblem = r.parts.Sources.Gather(ctx, r.Snapshot.Scene(r.Began))
	r.MetricsProblem = secret.MaskError(r.MetricsProblem, r.parts.Mask)
	for _, metric := range r.Gathered {
		r.parts.Log.Log(ctx, level.Methods, "Kubernetes metric", "metric", asJSON{metric.Document()})
	}
	if r.MetricsProblem != nil && r.settings.RequireKubernetesMetrics {
		return fmt.Errorf("%w (requireKubernetesMetrics is true: no user logic was run)", r.MetricsProblem)
	}
	return nil
}

// seen is what user logic is asked about.
func (r *run) seen() pass.Observation {
	seen := pass.Observation{Began: r.Began, RunType: r.RunType, Target: r.Snapshot, Gathered: r.Gathered, Metrics: r.Metrics}
	if missing, is := errors.AsType[*metrics.Error](r.MetricsProblem); is {
		seen.Missing = len(missing.Failed)
	}
	return seen
}

func (r *run) metric(ctx context.Context) (err error) {
	r.Metrics, err = r.parts.Metric.Run(ctx, r.seen())
	r.parts.Log.Log(ctx, level.Methods, "metrics", "metrics", asJSON{r.Metrics})
	return err
}

func (r *run) evaluate(ctx context.Context) (err error) {
	r.evaluation, err = r.parts.Evaluate.Run(ctx, r.seen())
	r.UserReason = r.Mask(r.evaluation.Reason)
	if err != nil && r.MetricsProblem != nil { // most likely the one is why there is the other
		return fmt.Errorf("%w; %w", err, r.MetricsProblem)
	}
	return err
}

func (r *run) decide(context.Context) error {
	input := decision.Input{Current: r.Snapshot.Replicas, Recommended: r.evaluation.TargetReplicas}
	decided, state := decision.Decide(r.Began, r.settings.Rules, input, r.state)
	r.Decision = &decided
	if r.over = r.DryRun(); !r.over {
		r.state = state
	}
	return nil
}

// scale asks for the lease again: user logic may have taken longer than it lasts. The write itself confirms it.
func (r *run) scale(ctx context.Context) error {
	if err := r.checkLease(ctx); err != nil {
		return err
	}
	scaled, err := r.parts.Scale.Scale(ctx, r.seen(), *r.Decision)
	if scaled {
		r.state = r.state.Scaled(r.parts.Now(), r.Decision.Current, r.Decision.Replicas)
	}
	return err
}

// asJSON is logged as the JSON that user logic would be given, and is only written where it is logged.
type asJSON struct{ value any }

func (j asJSON) LogValue() slog.Value {
	text, err := json.Marshal(j.value)
	if err != nil {
		return slog.AnyValue(err)
	}
	return slog.StringValue(string(text))
}
