package kubemetrics

import (
	"context"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// Call is the call that reads a spec's metric: of use to whoever asks whether it may be made.
type Call struct {
	Spec string // its short name
	Verb string
	Path kube.Path
	Err  error // why there is none
}

// Calls are those that gathering makes for each spec, of a target in the namespace.
func (g *Gatherer) Calls(ctx context.Context, now time.Time, namespace string) []Call {
	p := g.begin(now, workload.Snapshot{Namespace: namespace})
	calls := make([]Call, len(g.specs))
	for i, spec := range g.specs {
		calls[i] = p.callOf(ctx, spec)
	}
	return calls
}

func (p *pass) callOf(ctx context.Context, spec autoscalingv2.MetricSpec) Call {
	call := Call{Spec: metrics.Describe(spec)}
	if source, known := sources[spec.Type]; known {
		call.Verb, call.Path, call.Err = source.call(p, ctx, spec)
	}
	return call
}

// Served is the version in which a metrics API is served by somebody who answers.
func (g *Gatherer) Served(ctx context.Context, now time.Time, group string) (schema.GroupVersion, error) {
	for _, api := range []metricsAPI{resourceAPI, customAPI, externalAPI} {
		if api.group != group {
			continue
		}
		version, err := g.discovery.version(ctx, now, api)
		if err == nil {
			_, err = g.api.Resources(ctx, version) // of which only the adapter itself knows
		}
		return version, err
	}
	return schema.GroupVersion{Group: group}, nil
}

// first is the version that we like best: whether a call may be made does not depend on it.
func (a metricsAPI) first() schema.GroupVersion {
	return schema.GroupVersion{Group: a.group, Version: a.versions[0]}
}

func callPodMetrics(p *pass, _ context.Context, _ autoscalingv2.MetricSpec) (string, kube.Path, error) {
	return rights.PodMetrics.Verb, kube.Path{Version: resourceAPI.first(), Namespace: p.snapshot.Namespace, Resource: rights.PodMetrics.Resource}, nil
}

func callPods(p *pass, _ context.Context, spec autoscalingv2.MetricSpec) (string, kube.Path, error) {
	path := p.podsPath(spec.Pods.Metric.Name)
	path.Version = customAPI.first()
	return rights.CustomMetric.Verb, path, nil
}

func callObject(p *pass, ctx context.Context, spec autoscalingv2.MetricSpec) (string, kube.Path, error) {
	path, err := p.objectPath(ctx, spec.Object.DescribedObject, spec.Object.Metric.Name)
	path.Version = customAPI.first()
	return rights.CustomMetric.Verb, path, err
}

func callExternal(p *pass, _ context.Context, spec autoscalingv2.MetricSpec) (string, kube.Path, error) {
	path := p.externalPath(spec.External.Metric.Name)
	path.Version = externalAPI.first()
	return rights.ExternalMetric.Verb, path, nil
}
