package kubernetes

import (
	"context"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// podsType is a metric of each pod, from custom.metrics.k8s.io.
var podsType = Type{
	Name: string(autoscalingv2.PodsMetricSourceType), Block: "pods",
	Meaning: "a custom metric of the target's pods", Example: "{metric: {name: requests}, target: {type: AverageValue}}",
	Keys: slices.Concat(
		metricKeys(func(p *autoscalingv2.PodsMetricSource) autoscalingv2.MetricIdentifier { return p.Metric }),
		targetKeys(autoscalingv2.AverageValueMetricType),
	),

	target: func(s *spec) *autoscalingv2.MetricTarget {
		if s.Pods == nil {
			return nil
		}
		return &s.Pods.Target
	},
	short:  func(s *spec) string { return s.Pods.Metric.Name },
	name:   func(s *spec) string { return "pods metric " + s.Pods.Metric.Name },
	query:  func(s *spec) (Query, error) { return podsQuery(s) },
	gather: gatherPods,
	read: func(m *userlogic.KubernetesMetric, r *metrics.Reading) {
		if m.Pods != nil {
			r.Pods = &metrics.Pods{Ready: m.Pods.PodMetricsInfo, Ignored: m.Pods.IgnoredPods, Missing: m.Pods.MissingPods}
		}
	},
}

// defaultWindow is the window of a value whose adapter does not say.
const defaultWindow = time.Minute

func podsQuery(s *spec) (Custom, error) {
	selector, err := selects(s.Pods.Metric.Selector)
	return Custom{nil, s.Pods.Metric.Name, selector}, err
}

func gatherPods(ctx context.Context, g gathering, metric *userlogic.KubernetesMetric) error {
	if len(g.scene.Pods) == 0 {
		return g.noPods()
	}
	query, err := podsQuery(&metric.Spec)
	if err != nil {
		return err
	}
	read, err := g.custom(ctx, query)
	if err != nil {
		return err
	}
	measured := make(map[string]userlogic.PodMetric, len(read))
	for _, value := range read {
		window := defaultWindow
		if value.WindowSeconds != nil {
			window = time.Duration(*value.WindowSeconds) * time.Second
		}
		measured[value.DescribedObject.Name] = userlogic.PodMetric{Timestamp: value.Timestamp, Window: window, Value: milli(value.Value)}
	}
	pods := group(g.scene.Pods, measured, func(*corev1.Pod, userlogic.PodMetric) bool { return false })
	if len(pods.ignored) == 0 {
		pods.ignored = nil
	}
	metric.Pods = &userlogic.PodsMetrics{
		PodMetricsInfo: pods.ready, ReadyPodCount: int64(len(pods.ready)),
		IgnoredPods: pods.ignored, MissingPods: pods.missing, TotalPods: pods.total(),
		Timestamp: read[0].Timestamp,
	}
	return nil
}
