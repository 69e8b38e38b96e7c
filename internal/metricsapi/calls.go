package metricsapi

import (
	"context"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
)

// Call is the call that reads a spec's metric: of use to whoever asks whether it may be made.
type Call struct {
	Spec string // its short name
	Verb string
	Path kube.Path
	Err  error // why there is none
}

// Calls are those that gathering makes for each spec, of a target in the namespace.
func (c *Client) Calls(ctx context.Context, now time.Time, namespace string, specs []autoscalingv2.MetricSpec) []Call {
	scene, calls := &metrics.Scene{Now: now, Namespace: namespace}, make([]Call, len(specs))
	for i, spec := range specs {
		query, err := kubernetes.QueryOf(spec)
		if err == nil {
			calls[i], err = c.call(ctx, scene, query)
		}
		calls[i].Spec, calls[i].Err = kubernetes.Describe(spec), err
	}
	return calls
}

// call is that of a query, to the version that we like best: whether a call may be made does not depend on it.
func (c *Client) call(ctx context.Context, scene *metrics.Scene, query kubernetes.Query) (call Call, err error) {
	switch query := query.(type) {
	case kubernetes.PodMetrics:
		call.Verb, call.Path = rights.PodMetrics.Verb, podMetricsPath(scene)
		call.Path.Version = resourceAPI.first()
	case kubernetes.Custom:
		call.Verb = rights.CustomMetric.Verb
		call.Path, err = c.customPath(ctx, scene, query)
		call.Path.Version = customAPI.first()
	case kubernetes.External:
		call.Verb, call.Path = rights.ExternalMetric.Verb, externalPath(scene, query)
		call.Path.Version = externalAPI.first()
	}
	return call, err
}

// Served is the version in which a metrics API is served by somebody who answers.
func (c *Client) Served(ctx context.Context, now time.Time, group string) (schema.GroupVersion, error) {
	for _, api := range []metricsAPI{resourceAPI, customAPI, externalAPI} {
		if api.group != group {
			continue
		}
		version, err := c.discovery.version(ctx, now, api)
		if err == nil {
			_, err = c.api.Resources(ctx, version) // of which only the adapter itself knows
		}
		return version, err
	}
	return schema.GroupVersion{Group: group}, nil
}

func (a metricsAPI) first() schema.GroupVersion {
	return schema.GroupVersion{Group: a.group, Version: a.versions[0]}
}
