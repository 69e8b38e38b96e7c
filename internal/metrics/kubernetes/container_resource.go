package kubernetes

import (
	"context"
	"fmt"
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// containerResourceType is what one container of each pod uses of a resource, from metrics.k8s.io.
var containerResourceType = Type{
	Name: string(autoscalingv2.ContainerResourceMetricSourceType), Block: "containerResource",
	Meaning: "a resource of one container of the target's pods", Example: "{name: cpu, container: web, target: {type: Utilization}}",
	Keys: slices.Concat([]rule.Key{
		{Name: "name", Meaning: "the resource, `cpu` or `memory`", Rule: rule.NotEmpty()},
		{Name: "container", Meaning: "the container's name; a sidecar's will do", Rule: rule.NotEmpty()},
	}, targetKeys(autoscalingv2.UtilizationMetricType, autoscalingv2.AverageValueMetricType)),

	target: func(s *spec) *autoscalingv2.MetricTarget {
		if s.ContainerResource == nil {
			return nil
		}
		return &s.ContainerResource.Target
	},
	short: func(s *spec) string {
		return fmt.Sprintf("%s of container %q", s.ContainerResource.Name, s.ContainerResource.Container)
	},
	name: func(s *spec) string {
		return string(s.ContainerResource.Name) + " container resource" + ofRequests(s.ContainerResource.Target)
	},
	query: func(*spec) (Query, error) { return PodMetrics{}, nil },
	gather: func(ctx context.Context, g gathering, metric *userlogic.KubernetesMetric) (err error) {
		of := metric.Spec.ContainerResource
		metric.ContainerResource, err = g.used(ctx, of.Name, of.Container, of.Target.Type)
		return err
	},
	read: func(m *userlogic.KubernetesMetric, r *metrics.Reading) { r.Pods = readResource(m.ContainerResource) },
}
