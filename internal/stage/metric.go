package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Metric is the metric stage, run once for the target or once for each of its pods.
type Metric struct {
	Stage
	Mode        string
	Concurrency int           // how many runs of the metric method there are at a time, at most
	Timeout     time.Duration // of all of them together; 0 for none
	OwnMetrics  bool          // whether a pod is handed its own Kubernetes metrics alone
}

// Run gives the metric method's replies.
func (m Metric) Run(ctx context.Context, seen pass.Observation) ([]userlogic.ResourceMetric, error) {
	gathered := metrics.DocumentsOf(seen.Gathered)
	ofTarget := userlogic.MetricInput{Resource: seen.Target.Document, RunType: seen.RunType, KubernetesMetrics: gathered.Kubernetes, Sources: gathered.Sources}
	if err := method.SendHook(ctx, m.Before, seen.Began, ofTarget); err != nil {
		return nil, err
	}
	measured, err := m.measure(ctx, seen, ofTarget)
	if err != nil {
		return nil, err
	}
	return measured, method.SendHook(ctx, m.After, seen.Began, userlogic.PostMetricInput{
		Resource: seen.Target.Document, Metrics: measured, RunType: seen.RunType, KubernetesMetrics: gathered.Kubernetes, Sources: gathered.Sources,
	})
}

// measure runs the metric method; there may be none, where Kubernetes metrics are all that is asked for.
func (m Metric) measure(ctx context.Context, seen pass.Observation, ofTarget userlogic.MetricInput) ([]userlogic.ResourceMetric, error) {
	switch {
	case m.Main == nil:
		return []userlogic.ResourceMetric{}, nil
	case m.Mode == config.PerPod:
		return m.perPod(ctx, seen, ofTarget)
	}
	document, err := encode(ofTarget)
	if err != nil {
		return nil, err
	}
	return m.all(ctx, 1, func(int) (string, method.Document, error) {
		return seen.Target.Ref.Name, method.Whole(document).At(seen.Began), nil
	})
}

// perPod gives each pod that runs a document of its own, in the order of their names.
func (m Metric) perPod(ctx context.Context, seen pass.Observation, ofTarget userlogic.MetricInput) ([]userlogic.ResourceMetric, error) {
	pods := slices.DeleteFunc(slices.Clone(seen.Target.Pods), func(pod workload.Pod) bool { return !pod.Counts() })
	documents, err := newPodDocuments(ofTarget, m.OwnMetrics)
	if err != nil {
		return nil, err
	}
	return m.all(ctx, len(pods), func(i int) (string, method.Document, error) {
		document, err := documents.of(pods[i])
		return pods[i].Name, document.At(seen.Began), err
	})
}

// all runs the metric method for so many resources, some at a time, and keeps their order. The first that fails ends the
// others, and so does the time that they have together.
func (m Metric) all(ctx context.Context, count int, resource func(int) (name string, document method.Document, err error)) ([]userlogic.ResourceMetric, error) {
	ctx, abandon := context.WithCancelCause(ctx)
	defer abandon(nil)
	metrics := make([]userlogic.ResourceMetric, count)
	var next, done atomic.Int64
	if m.Timeout > 0 {
		defer time.AfterFunc(m.Timeout, func() {
			abandon(method.Abandoned{Why: &TimeoutError{m.Timeout, int(done.Load()), count}})
		}).Stop()
	}
	var running sync.WaitGroup
	for range min(max(1, m.Concurrency), count) {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < count && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := m.one(ctx, &metrics[i], i, resource); err != nil {
					abandon(method.Abandoned{Why: err})
					return
				}
				done.Add(1)
			}
		})
	}
	running.Wait()
	if int(done.Load()) == count {
		return metrics, nil
	}
	if abandoned, is := errors.AsType[method.Abandoned](context.Cause(ctx)); is {
		return nil, abandoned.Why
	}
	return nil, ctx.Err()
}

func (m Metric) one(ctx context.Context, metric *userlogic.ResourceMetric, i int, resource func(int) (string, method.Document, error)) error {
	name, document, err := resource(i)
	if err != nil {
		return err
	}
	reply, err := m.Main.Run(ctx, document)
	if err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	*metric = userlogic.ResourceMetric{Resource: name, Value: reply}
	return nil
}

// TimeoutError is a metric stage that was not through in time. It is a context.DeadlineExceeded to errors.Is.
type TimeoutError struct {
	Timeout  time.Duration
	Done, Of int
}

func (e *TimeoutError) Error() string {
	said := e.Explain()
	return said.Error()
}

// Explain is that of a fault.Explainer.
func (e *TimeoutError) Explain() fault.Fault {
	return fault.Fault{
		Err:     fmt.Errorf("%d of %d runs of metric were through within %s (metricTimeout: %d ms); the others were ended", e.Done, e.Of, e.Timeout, e.Timeout.Milliseconds()),
		Setting: "metricTimeout", Hint: "raise it, or metricConcurrency, or make metric faster",
	}
}

// Is makes every timeout look alike to callers.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
