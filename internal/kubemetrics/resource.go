package kubemetrics

import (
	"context"
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

var errNoPods = notYetError{errors.New("the target's selector matches no pods that are alive, so there is nothing to measure")}

// noPods says why there is nothing to measure.
func (p *pass) noPods() error {
	if p.snapshot.Selector == nil {
		return workload.ErrNoSelector
	}
	return errNoPods
}

// wholePod is no container's name.
const wholePod = ""

// resource gathers what the pods use of a resource, from metrics.k8s.io.
func (p *pass) resource(ctx context.Context, metric *userlogic.KubernetesMetric) (err error) {
	source := metric.Spec.Resource
	metric.Resource, err = p.used(ctx, source.Name, wholePod, source.Target.Type)
	return err
}

// used gathers what the pods, or one container of each, use of a resource.
func (p *pass) used(ctx context.Context, name corev1.ResourceName, container string, aim autoscalingv2.MetricTargetType) (*userlogic.ResourceMetrics, error) {
	if len(p.living) == 0 {
		return nil, p.noPods()
	}
	read, err := p.readPodMetrics(ctx)
	if err != nil {
		return nil, err
	}
	pods := group(p.living, usage(read, name, container), p.rules.startUp(name, p.now))
	used := &userlogic.ResourceMetrics{
		PodMetricsInfo: pods.ready, ReadyPodCount: int64(len(pods.ready)),
		IgnoredPods: pods.ignored, MissingPods: pods.missing, TotalPods: pods.total(),
		Timestamp: read[0].Timestamp,
	}
	if aim == autoscalingv2.UtilizationMetricType {
		used.Requests, err = requests(p.living, name, container)
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

// readPodMetrics lists the metrics of the target's pods, once for all specs.
func (p *pass) readPodMetrics(ctx context.Context) ([]metricsv1beta1.PodMetrics, error) {
	return once(&p.reads, resourceAPI.group, func() ([]metricsv1beta1.PodMetrics, error) {
		return inVersion(ctx, p, resourceAPI, func(version schema.GroupVersion) ([]metricsv1beta1.PodMetrics, error) {
			var list metricsv1beta1.PodMetricsList
			path := kube.Path{Version: version, Namespace: p.snapshot.Namespace, Resource: "pods"}
			err := p.api.List(ctx, path, kube.Selected(p.snapshot.Selector), &list)
			if err == nil && len(list.Items) == 0 {
				return nil, notYetError{fmt.Errorf("%s has no metrics of the target's pods (%d) yet: a pod is measured within a minute of its start; if this lasts, see the log of metrics-server",
					version, len(p.living))}
			}
			return list.Items, err
		})
	})
}
