package kubemetrics

import (
	"context"
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/custom-pod-autoscaler/autoscaler/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/internal/target"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

var errNoPods = errors.New("the target's selector matches no pods that are alive, so there is nothing to measure")

// resource gathers what the pods use of a resource, from metrics.k8s.io.
func (p *pass) resource(_ context.Context, metric *userlogic.KubernetesMetric) error {
	source := metric.Spec.Resource
	living := alive(p.snapshot.Pods)
	if len(living) == 0 {
		return errNoPods
	}
	read, err := p.podMetrics()
	if err != nil {
		return err
	}
	pods := group(living, usage(read, source.Name), p.rules.startUp(source.Name, p.now))
	metric.Resource = &userlogic.ResourceMetrics{
		PodMetricsInfo: pods.ready, ReadyPodCount: int64(len(pods.ready)),
		IgnoredPods: pods.ignored, MissingPods: pods.missing, TotalPods: pods.total(),
		Timestamp: read[0].Timestamp,
	}
	if source.Target.Type == autoscalingv2.UtilizationMetricType {
		metric.Resource.Requests, err = requests(living, source.Name)
	}
	return err
}

// usage sums each pod's containers. A pod one of whose containers was not measured has no metric.
func usage(read []metricsv1beta1.PodMetrics, name corev1.ResourceName) map[string]userlogic.PodMetric {
	used := make(map[string]userlogic.PodMetric, len(read))
	for _, pod := range read {
		if sum, measured := podUsage(pod, name); measured {
			used[pod.Name] = userlogic.PodMetric{Timestamp: pod.Timestamp, Window: pod.Window.Duration, Value: sum}
		}
	}
	return used
}

func podUsage(pod metricsv1beta1.PodMetrics, name corev1.ResourceName) (sum int64, measured bool) {
	for _, container := range pod.Containers {
		quantity, found := container.Usage[name]
		if !found {
			return 0, false
		}
		sum = add(sum, milli(quantity))
	}
	return sum, len(pod.Containers) > 0
}

// readPodMetrics lists the metrics of the target's pods.
func (g *Gatherer) readPodMetrics(ctx context.Context, snapshot target.Snapshot) ([]metricsv1beta1.PodMetrics, error) {
	path := kube.Path{Version: metricsv1beta1.SchemeGroupVersion, Namespace: snapshot.Namespace, Resource: "pods"}
	var list metricsv1beta1.PodMetricsList
	switch err := g.api.List(ctx, path, snapshot.Selector, &list); {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%w: the API does not serve %s: is metrics-server installed?", err, path.Version)
	case err != nil:
		return nil, err
	case len(list.Items) == 0:
		return nil, fmt.Errorf("%s has no metrics of the target's pods (%d) yet: a pod is measured within a minute of its start; if this lasts, see the log of metrics-server",
			path.Version, len(snapshot.Pods))
	}
	return list.Items, nil
}
