// Package metricsapi reads the metrics APIs of a cluster, in the versions that they are served in. It is the kubernetes.Reader of an
// autoscaler that runs, and knows what each read is as a call.
package metricsapi

import (
	"context"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	custommetricsv1beta1 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta1"
	custommetricsv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalmetricsv1beta1 "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
)

// Client reads the metrics APIs.
type Client struct {
	api       *kube.Client
	discovery *discovery
}

// New returns a client that makes its calls by another. To name calls without making any, nil will do.
func New(api *kube.Client) *Client {
	return &Client{api, &discovery{api: api, known: map[any]answer{}}}
}

// PodMetrics is that of a kubernetes.Reader.
func (c *Client) PodMetrics(ctx context.Context, scene *metrics.Scene) ([]metricsv1beta1.PodMetrics, error) {
	return inVersion(ctx, c, scene, resourceAPI, func(version schema.GroupVersion) ([]metricsv1beta1.PodMetrics, error) {
		var list metricsv1beta1.PodMetricsList
		path := podMetricsPath(scene)
		path.Version = version
		err := c.api.List(ctx, path, kube.Selected(scene.Selector), &list)
		if err == nil && len(list.Items) == 0 {
			return nil, metrics.NotYet{Err: &fault.Fault{
				Err:  fmt.Errorf("%s has no metrics of the target's pods (%d) yet", version, len(scene.Pods)),
				Hint: "a pod is measured within a minute of its start; if this lasts, see the log of metrics-server",
			}}
		}
		return list.Items, err
	})
}

func podMetricsPath(scene *metrics.Scene) kube.Path {
	return kube.Path{Namespace: scene.Namespace, Resource: "pods"}
}

// Custom is that of a kubernetes.Reader.
func (c *Client) Custom(ctx context.Context, scene *metrics.Scene, of kubernetes.Custom) ([]custommetricsv1beta2.MetricValue, error) {
	path, err := c.customPath(ctx, scene, of)
	if err != nil {
		return nil, err
	}
	query := kube.Query{}
	if of.Object == nil {
		query = kube.Selected(scene.Selector)
	}
	query["metricLabelSelector"] = of.Selector
	return inVersion(ctx, c, scene, customAPI, func(version schema.GroupVersion) ([]custommetricsv1beta2.MetricValue, error) {
		path.Version = version
		values, err := listCustom(ctx, c.api, path, query)
		if err == nil && len(values) == 0 {
			return nil, metrics.NotYet{Err: &fault.Fault{Err: fmt.Errorf("%s has no values of %s", version, path), Hint: unknownMetric(version)}}
		}
		return values, err
	})
}

// listCustom reads either version of the API; the older names the metric in another place, which we do not look at.
func listCustom(ctx context.Context, api *kube.Client, path kube.Path, query kube.Query) ([]custommetricsv1beta2.MetricValue, error) {
	if path.Version == custommetricsv1beta2.SchemeGroupVersion {
		var list custommetricsv1beta2.MetricValueList
		err := api.ListJSON(ctx, path, query, &list)
		return list.Items, err
	}
	var list custommetricsv1beta1.MetricValueList
	err := api.ListJSON(ctx, path, query, &list)
	values := make([]custommetricsv1beta2.MetricValue, len(list.Items))
	for i, old := range list.Items {
		values[i] = custommetricsv1beta2.MetricValue{
			DescribedObject: old.DescribedObject, Timestamp: old.Timestamp, WindowSeconds: old.WindowSeconds, Value: old.Value,
		}
	}
	return values, err
}

// EveryObject is how the custom metrics API names all objects that a selector selects.
const EveryObject = "*"

func (c *Client) customPath(ctx context.Context, scene *metrics.Scene, of kubernetes.Custom) (kube.Path, error) {
	if of.Object == nil {
		return kube.Path{Namespace: scene.Namespace, Resource: "pods", Name: EveryObject, Subresource: of.Metric}, nil
	}
	return c.objectPath(ctx, scene, *of.Object, of.Metric)
}

// objectPath is where the custom metrics API has the metric of an object:
//
//	a Namespace         namespaces/<the target's>/metrics/<metric>   whichever it names: nobody looks into others
//	in a namespace      namespaces/<the target's>/<resource>/<name>/<metric>
//	in the cluster      <resource>/<name>/<metric>
func (c *Client) objectPath(ctx context.Context, scene *metrics.Scene, object autoscalingv2.CrossVersionObjectReference, metric string) (kube.Path, error) {
	wanted := schema.FromAPIVersionAndKind(object.APIVersion, object.Kind)
	if wanted.Group == corev1.GroupName && strings.EqualFold(wanted.Kind, "Namespace") {
		return kube.Path{Namespace: scene.Namespace, Resource: "metrics", Name: metric}, nil
	}
	kind, err := c.discovery.kind(ctx, scene.Now, wanted)
	if err != nil {
		return kube.Path{}, fmt.Errorf("%w (describedObject)", err)
	}
	path := kube.Path{Resource: kind.GroupResource().String(), Name: object.Name, Subresource: metric}
	if kind.Namespaced {
		path.Namespace = scene.Namespace
	}
	return path, nil
}

// External is that of a kubernetes.Reader.
func (c *Client) External(ctx context.Context, scene *metrics.Scene, of kubernetes.External) ([]externalmetricsv1beta1.ExternalMetricValue, error) {
	return inVersion(ctx, c, scene, externalAPI, func(version schema.GroupVersion) ([]externalmetricsv1beta1.ExternalMetricValue, error) {
		var list externalmetricsv1beta1.ExternalMetricValueList
		path := externalPath(scene, of)
		path.Version = version
		err := c.api.ListJSON(ctx, path, kube.Query{"labelSelector": of.Selector}, &list)
		if err == nil && len(list.Items) == 0 {
			return nil, metrics.NotYet{Err: &fault.Fault{
				Err:  fmt.Errorf("%s has no values of %q with the labels %q", version, path.Resource, of.Selector),
				Hint: unknownMetric(version),
			}}
		}
		return list.Items, err
	})
}

// externalPath is where the external metrics API has a metric: each is a resource of its own. Clients of Kubernetes write resources in
// lower case, so that this is how adapters know the names, and how rules have to name them.
func externalPath(scene *metrics.Scene, of kubernetes.External) kube.Path {
	return kube.Path{Namespace: scene.Namespace, Resource: strings.ToLower(of.Metric)}
}
