package kubemetrics

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// EveryObject is how the custom metrics API names all objects that a selector selects.
const EveryObject = "*"

// defaultWindow is the window of a value whose adapter does not say.
const defaultWindow = time.Minute

// pods gathers a metric of each pod, from custom.metrics.k8s.io.
func (p *pass) pods(ctx context.Context, metric *userlogic.KubernetesMetric) error {
	if len(p.living) == 0 {
		return p.noPods()
	}
	source := metric.Spec.Pods
	selector, err := selects(source.Metric.Selector)
	if err != nil {
		return err
	}
	path := p.podsPath(source.Metric.Name)
	query := kube.Selected(p.snapshot.Selector)
	query["metricLabelSelector"] = selector
	read, err := p.readCustom(ctx, path, query)
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
	pods := group(p.living, measured, func(*corev1.Pod, userlogic.PodMetric) bool { return false })
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

func (p *pass) podsPath(metric string) kube.Path {
	return kube.Path{Namespace: p.snapshot.Namespace, Resource: "pods", Name: EveryObject, Subresource: metric}
}
