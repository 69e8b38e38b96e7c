package autoscaler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/internal/kubemetrics"
	"github.com/custom-pod-autoscaler/autoscaler/internal/lease"
	"github.com/custom-pod-autoscaler/autoscaler/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/internal/target"
)

// step is one thing that a pass does, and the HorizontalPodAutoscaler's word for not being able to.
type step struct {
	name    string
	do      func(*pass, context.Context) error
	failure func(error) string
}

// steps are all there are, in their order.
var steps = []step{
	{"read_target", (*pass).readTarget, failedRead},
	{"list_pods", (*pass).listPods, always("FailedComputeMetricsReplicas")},
	{"kubernetes_metrics", (*pass).gather, failedMetric},
	{"metric", (*pass).metric, always("FailedComputeMetricsReplicas")},
	{"evaluate", (*pass).evaluate, always("FailedComputeMetricsReplicas")},
	{"decide", (*pass).decide, always("FailedComputeMetricsReplicas")},
	{"scale", (*pass).scale, failedScale},
}

// StageNames are the steps' names, in their order.
func StageNames() []string {
	names := make([]string, len(steps))
	for i, step := range steps {
		names[i] = step.name
	}
	return names
}

func always(reason string) func(error) string { return func(error) string { return reason } }

// LeaseNotHeld is why a pass fails while another autoscaler scales for the same object.
const LeaseNotHeld = "LeaseNotHeld"

func failedRead(err error) string { return unlessNotHeld(err, "FailedGetScale") }

func failedScale(err error) string { return unlessNotHeld(err, "FailedRescale") }

func unlessNotHeld(err error, reason string) string {
	if _, ok := errors.AsType[lease.NotHeldError](err); ok {
		return LeaseNotHeld
	}
	return reason
}

// failedMetric names the type of the first spec that failed: FailedGetResourceMetric.
func failedMetric(err error) string {
	if spec, ok := errors.AsType[kubemetrics.SpecError](err); ok {
		return fmt.Sprintf("FailedGet%sMetric", spec.Spec.Type)
	}
	return "FailedComputeMetricsReplicas"
}

func (p *pass) readTarget(ctx context.Context) (err error) {
	if err := p.checkLease(ctx); err != nil {
		return err
	}
	if p.Snapshot, err = p.parts.Target.Read(ctx); err != nil {
		return err
	}
	s := p.Snapshot
	p.Target = corev1.ObjectReference{APIVersion: s.Ref.APIVersion, Kind: s.Ref.Kind, Namespace: s.Namespace, Name: s.Ref.Name, UID: s.UID}
	if s.Replicas == 0 && p.settings.Rules.Min != 0 {
		disabled := decision.Disabled()
		p.Decision, p.over = &disabled, true
	}
	return nil
}

// checkLease gives an error while another autoscaler may be scaling. A dry run needs no lease.
func (p *pass) checkLease(ctx context.Context) error {
	if p.parts.CheckLease == nil || p.DryRun() {
		return nil
	}
	return p.parts.CheckLease(ctx)
}

func (p *pass) listPods(ctx context.Context) (err error) {
	if !p.settings.NeedsPods {
		return nil
	}
	before := p.noSelector
	if p.noSelector = p.Snapshot.Selector == nil; p.noSelector && !before {
		p.parts.Log.Warn("pods are asked for, and there are none", "err", target.ErrNoSelector)
	}
	p.Snapshot.Pods, err = p.parts.Target.Pods(ctx, p.Snapshot)
	return err
}

func (p *pass) gather(ctx context.Context) error {
	if p.parts.KubernetesMetrics == nil {
		return nil
	}
	p.Gathered, p.MetricsProblem = p.parts.KubernetesMetrics.Gather(ctx, p.Began, p.Snapshot)
	p.MetricsProblem = secret.MaskError(p.MetricsProblem, p.parts.Mask)
	for _, metric := range p.Gathered {
		p.parts.Log.Log(ctx, config.LogMethods, "Kubernetes metric", "metric", asJSON{metric})
	}
	if p.MetricsProblem != nil && p.settings.RequireKubernetesMetrics {
		return fmt.Errorf("%w (requireKubernetesMetrics is true: no user logic was run)", p.MetricsProblem)
	}
	return nil
}

func (p *pass) metric(ctx context.Context) (err error) {
	p.Metrics, err = p.parts.Metric.Run(ctx, p.Snapshot, p.Gathered, p.RunType)
	p.parts.Log.Log(ctx, config.LogMethods, "metrics", "metrics", asJSON{p.Metrics})
	return err
}

func (p *pass) evaluate(ctx context.Context) (err error) {
	p.evaluation, err = p.parts.Evaluate.Run(ctx, p.Snapshot, p.Gathered, p.Metrics, p.RunType)
	p.UserReason = p.Mask(p.evaluation.Reason)
	if err != nil && p.MetricsProblem != nil { // most likely the one is why there is the other
		return fmt.Errorf("%w; %w", err, p.MetricsProblem)
	}
	return err
}

func (p *pass) decide(context.Context) error {
	decided, history := decision.Decide(p.Began, p.settings.Rules, p.Snapshot.Replicas, p.evaluation.TargetReplicas, p.history)
	p.Decision = &decided
	if p.over = p.DryRun(); !p.over {
		p.history = history
	}
	return nil
}

// scale asks for the lease again: user logic may have taken longer than it lasts. The write itself confirms it.
func (p *pass) scale(ctx context.Context) error {
	if err := p.checkLease(ctx); err != nil {
		return err
	}
	return p.parts.Scale.Scale(ctx, p.Snapshot, *p.Decision, p.RunType)
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
