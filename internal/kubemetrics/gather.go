// Package kubemetrics gathers Kubernetes metrics for a snapshot of the target, as the HorizontalPodAutoscaler of
// Kubernetes sees them: which pods are ready, ignored or missing, what they use and what they request.
//
// A snapshot and the configured specs come in; a document per spec goes out, and an error that names the specs which
// could not be gathered. It proposes no replicas. Each type of spec is a file and a line in sources.
package kubemetrics

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/custom-pod-autoscaler/autoscaler/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/internal/target"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// sources are the types of spec that can be gathered.
var sources = map[autoscalingv2.MetricSourceType]func(*pass, context.Context, *userlogic.KubernetesMetric) error{
	autoscalingv2.ResourceMetricSourceType: (*pass).resource,
}

// Gatherer gathers the metrics that the specs ask for.
type Gatherer struct {
	api   *kube.Client
	specs []autoscalingv2.MetricSpec
	rules StartUpRules
}

// NewGatherer gives a gatherer of the specs.
func NewGatherer(api *kube.Client, specs []autoscalingv2.MetricSpec, rules StartUpRules) *Gatherer {
	return &Gatherer{api: api, specs: specs, rules: rules}
}

// pass is one gathering. What several specs need is read once, when the first of them asks for it.
type pass struct {
	now        time.Time
	rules      StartUpRules
	snapshot   target.Snapshot
	podMetrics func() ([]metricsv1beta1.PodMetrics, error)
}

// Gather reads every spec's metric. Those that it could read are given back together with the error about the others.
func (g *Gatherer) Gather(ctx context.Context, now time.Time, snapshot target.Snapshot) ([]userlogic.KubernetesMetric, error) {
	p := &pass{now: now, rules: g.rules, snapshot: snapshot}
	p.podMetrics = sync.OnceValues(func() ([]metricsv1beta1.PodMetrics, error) { return g.readPodMetrics(ctx, snapshot) })
	var gathered []userlogic.KubernetesMetric
	failed := &Error{Of: len(g.specs)}
	for i, spec := range g.specs {
		metric := userlogic.KubernetesMetric{CurrentReplicas: snapshot.Replicas, Spec: spec}
		if err := p.gather(ctx, &metric); err != nil {
			failed.Specs = append(failed.Specs, fmt.Errorf("kubernetesMetricSpecs[%d] (%s): %w", i, describe(spec), err))
			continue
		}
		gathered = append(gathered, metric)
	}
	if len(failed.Specs) > 0 {
		return gathered, failed
	}
	return gathered, nil
}

func (p *pass) gather(ctx context.Context, metric *userlogic.KubernetesMetric) error {
	source, known := sources[metric.Spec.Type]
	if !known {
		return fmt.Errorf("this version gathers no metrics of type %q", metric.Spec.Type)
	}
	return source(p, ctx, metric)
}

// Error is the specs that could not be gathered, each with its reason.
type Error struct {
	Specs []error
	Of    int
}

func (e *Error) Error() string {
	reasons := make([]string, len(e.Specs))
	for i, err := range e.Specs {
		reasons[i] = err.Error()
	}
	return fmt.Sprintf("gathering Kubernetes metrics: %d of %d failed: %s", len(e.Specs), e.Of, strings.Join(reasons, "; "))
}

func (e *Error) Unwrap() []error { return e.Specs }

// describe is a spec's short name: Resource cpu.
func describe(spec autoscalingv2.MetricSpec) string {
	if spec.Resource != nil {
		return fmt.Sprintf("%s %s", spec.Type, spec.Resource.Name)
	}
	return string(spec.Type)
}
