// Package kubemetrics gathers Kubernetes metrics for a snapshot of the target, as the HorizontalPodAutoscaler of
// Kubernetes sees them: which pods are ready, ignored or missing, what they use and what they request.
//
// A snapshot and the configured specs come in; a document per spec goes out, and an error that names the specs which
// could not be gathered. It proposes no replicas. Each type of spec is a file and a line in sources.
package kubemetrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// sources are the types of spec that can be gathered: what fills in the entry, and what call reads it.
var sources = map[autoscalingv2.MetricSourceType]struct {
	gather func(*pass, context.Context, *userlogic.KubernetesMetric) error
	call   func(*pass, context.Context, autoscalingv2.MetricSpec) (verb string, path kube.Path, err error)
}{
	autoscalingv2.ResourceMetricSourceType:          {(*pass).resource, callPodMetrics},
	autoscalingv2.ContainerResourceMetricSourceType: {(*pass).containerResource, callPodMetrics},
	autoscalingv2.PodsMetricSourceType:              {(*pass).pods, callPods},
	autoscalingv2.ObjectMetricSourceType:            {(*pass).object, callObject},
	autoscalingv2.ExternalMetricSourceType:          {(*pass).external, callExternal},
}

// Gatherer gathers the metrics that the specs ask for.
type Gatherer struct {
	api       *kube.Client
	discovery *discovery
	specs     []autoscalingv2.MetricSpec
	rules     StartUpRules
}

// NewGatherer gives a gatherer of the specs.
func NewGatherer(api *kube.Client, specs []autoscalingv2.MetricSpec, rules StartUpRules) *Gatherer {
	return &Gatherer{api: api, discovery: &discovery{api: api, known: map[any]answer{}}, specs: specs, rules: rules}
}

// pass is one gathering.
type pass struct {
	*Gatherer
	now      time.Time
	snapshot workload.Snapshot
	living   []*corev1.Pod
	reads    reads
}

// Gather reads every spec's metric, all at the same time. Those that it could read are given back together with the
// error about the others.
func (g *Gatherer) Gather(ctx context.Context, now time.Time, snapshot workload.Snapshot) ([]userlogic.KubernetesMetric, error) {
	return g.begin(now, snapshot).run(ctx)
}

func (g *Gatherer) begin(now time.Time, snapshot workload.Snapshot) *pass {
	return &pass{Gatherer: g, now: now, snapshot: snapshot, living: alive(snapshot.Pods), reads: reads{begun: map[string]func() (any, error){}}}
}

func (p *pass) run(ctx context.Context) ([]userlogic.KubernetesMetric, error) {
	metrics, errs := make([]userlogic.KubernetesMetric, len(p.specs)), make([]error, len(p.specs))
	var gathering sync.WaitGroup
	for i, spec := range p.specs {
		metrics[i] = userlogic.KubernetesMetric{CurrentReplicas: p.snapshot.Replicas, Spec: spec}
		gathering.Go(func() { errs[i] = p.gather(ctx, &metrics[i]) })
	}
	gathering.Wait()
	return sift(metrics, errs)
}

func (p *pass) gather(ctx context.Context, metric *userlogic.KubernetesMetric) error {
	source, known := sources[metric.Spec.Type]
	if !known {
		return fmt.Errorf("this version gathers no metrics of the type %q", metric.Spec.Type)
	}
	return source.gather(p, ctx, metric)
}

// sift keeps the metrics that were gathered, and makes one error of the others.
func sift(metrics []userlogic.KubernetesMetric, errs []error) ([]userlogic.KubernetesMetric, error) {
	var gathered []userlogic.KubernetesMetric
	failed := &Error{Of: len(metrics)}
	for i, metric := range metrics {
		if errs[i] == nil {
			gathered = append(gathered, metric)
			continue
		}
		failed.Specs = append(failed.Specs, SpecError{Index: i, Spec: metric.Spec, Err: errs[i]})
	}
	if len(failed.Specs) == 0 {
		return gathered, nil
	}
	return gathered, failed
}

// Error is the specs that could not be gathered, each with its reason.
type Error struct {
	Specs []SpecError
	Of    int
}

// SpecError is why the metric of one spec, counted from 0, could not be gathered.
type SpecError struct {
	Index int
	Spec  autoscalingv2.MetricSpec
	Err   error
}

func (e SpecError) Error() string {
	return fmt.Sprintf("kubernetesMetricSpecs[%d] (%s): %v", e.Index, metrics.Describe(e.Spec), e.Err)
}

func (e SpecError) Unwrap() error { return e.Err }

func (e *Error) Error() string {
	reasons := make([]string, len(e.Specs))
	for i, err := range e.Specs {
		reasons[i] = err.Error()
	}
	return fmt.Sprintf("gathering Kubernetes metrics: %d of %d failed: %s", len(e.Specs), e.Of, strings.Join(reasons, "; "))
}

func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Specs))
	for i, err := range e.Specs {
		errs[i] = err
	}
	return errs
}

// NotYet reports whether there are no values yet, of any of the specs that failed, as is usual at a start.
func (e *Error) NotYet() bool {
	return !slices.ContainsFunc(e.Specs, func(spec SpecError) bool {
		_, early := errors.AsType[notYetError](spec.Err)
		return !early
	})
}

// notYetError says that there is no value of a metric, or no pod that could have one.
type notYetError struct{ error }

// reads are those of one pass: what several specs ask for is read once.
type reads struct {
	mutex sync.Mutex
	begun map[string]func() (any, error)
}

// once gives what is read under a key, and reads it for whoever asks first.
func once[T any](r *reads, key string, read func() (T, error)) (T, error) {
	r.mutex.Lock()
	begun, ok := r.begun[key]
	if !ok {
		begun = sync.OnceValues(func() (any, error) { return read() })
		r.begun[key] = begun
	}
	r.mutex.Unlock()
	value, err := begun()
	return value.(T), err
}
