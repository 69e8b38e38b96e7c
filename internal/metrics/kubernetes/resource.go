package kubernetes

import (
	"context"
	"errors"
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// resourceType is what the pods use of cpu, memory or another resource, from metrics.k8s.io.
var resourceType = Type{
	Name: string(autoscalingv2.ResourceMetricSourceType), Block: "resource",
	Meaning: "a resource of the target's pods", Example: "{name: cpu, target: {type: Utilization}}",
	Keys: slices.Concat([]rule.Key{
		{Name: "name", Meaning: "the resource, `cpu` or `memory`", Rule: rule.NotEmpty()},
	}, targetKeys(autoscalingv2.UtilizationMetricType, autoscalingv2.AverageValueMetricType)),

	target: func(s *spec) *autoscalingv2.MetricTarget {
		if s.Resource == nil {
			return nil
		}
		return &s.Resource.Target
	},
	short: func(s *spec) string { return string(s.Resource.Name) },
	name:  func(s *spec) string { return string(s.Resource.Name) + " resource" + ofRequests(s.Resource.Target) },
	query: func(*spec) (Query, error) { return PodMetrics{}, nil },
	gather: func(ctx context.Context, g gathering, metric *userlogic.KubernetesMetric) (err error) {
		of := metric.Spec.Resource
		metric.Resource, err = g.used(ctx, of.Name, wholePod, of.Target.Type)
		return err
	},
	read: func(m *userlogic.KubernetesMetric, r *metrics.Reading) { r.Pods = readResource(m.Resource) },
}

func ofRequests(target autoscalingv2.MetricTarget) string {
	if target.Type == autoscalingv2.UtilizationMetricType {
		return " utilization (percentage of request)"
	}
	return ""
}

func readResource(used *userlogic.ResourceMetrics) *metrics.Pods {
	if used == nil {
		return nil
	}
	return &metrics.Pods{Ready: used.PodMetricsInfo, Ignored: used.IgnoredPods, Missing: used.MissingPods, Requests: used.Requests}
}

var errNoPods = metrics.NotYet{Err: errors.New("the target's selector matches no pods that are alive, so there is nothing to measure")}

// noPods says why there is nothing to measure.
func (g gathering) noPods() error {
	if g.scene.NoPods != nil {
		return g.scene.NoPods
	}
	return errNoPods
}

// wholePod is no container's name.
const wholePod = ""

// used gathers what the pods, or one container of each, use of a resource.
func (g gathering) used(ctx context.Context, name corev1.ResourceName, container string, aim autoscalingv2.MetricTargetType) (*userlogic.ResourceMetrics, error) {
	if len(g.scene.Pods) == 0 {
		return nil, g.noPods()
	}
	read, err := g.podMetrics(ctx)
	if err != nil {
		return nil, err
	}
	pods := group(g.scene.Pods, usage(read, name, container), g.rules.startUp(name, g.scene.Now))
	used := &userlogic.ResourceMetrics{
		PodMetricsInfo: pods.ready, ReadyPodCount: int64(len(pods.ready)),
		IgnoredPods: pods.ignored, MissingPods: pods.missing, TotalPods: pods.total(),
		Timestamp: read[0].Timestamp,
	}
	if aim == autoscalingv2.UtilizationMetricType {
		used.Requests, err = requests(g.scene.Pods, name, container)
	}
	return used, err
}

// usage is what each pod uses. A pod one of whose containers was not measured has no metric.
func usage(read []metricsv1beta1.PodMetrics, name corev1.ResourceName, container string) map[string]userlogic.PodMetric {
	used := make(map[string]userlogic.PodMetric, len(read))
	for _, pod := range read {
		if sum, measured := podUsage(pod, name, container); measured {
			used[pod.Name] = userlogic.PodMetric{Timestamp: pod.Timestamp, Window: pod.Window.Duration, Value: sum}
		}
	}
	return used
}

// podUsage sums the pod's containers, or takes the one that is named.
func podUsage(pod metricsv1beta1.PodMetrics, name corev1.ResourceName, container string) (sum int64, measured bool) {
	for _, c := range pod.Containers {
		if container != wholePod && c.Name != container {
			continue
		}
		quantity, found := c.Usage[name]
		if !found {
			return 0, false
		}
		sum, measured = add(sum, milli(quantity)), true
	}
	return sum, measured
}
