package kubemetrics

import (
	"context"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	custommetricsv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// object gathers a metric of one object, from custom.metrics.k8s.io.
func (p *pass) object(ctx context.Context, metric *userlogic.KubernetesMetric) error {
	source := metric.Spec.Object
	selector, err := selects(source.Metric.Selector)
	if err != nil {
		return err
	}
	path, err := p.objectPath(ctx, source.DescribedObject, source.Metric.Name)
	if err != nil {
		return err
	}
	read, err := p.readCustom(ctx, path, kube.Query{"metricLabelSelector": selector})
	if err != nil {
		return err
	}
	if len(read) != 1 {
		return fmt.Errorf("there are %d values of one object's metric, so that it is not known which counts: %s: "+
			"let metric.selector select one series, or the adapter's rule sum them", len(read), listed(read))
	}
	metric.Object, err = p.single(source.Target.Type, milli(read[0].Value), read[0].Timestamp)
	return err
}

// mostListed is how many values a message shows.
const mostListed = 5

// listed are values as a message shows them: each with the object that the adapter says it is of.
func listed(values []custommetricsv1beta2.MetricValue) string {
	var shown []string
	for _, value := range values[:min(len(values), mostListed)] {
		of := value.DescribedObject
		shown = append(shown, fmt.Sprintf("%s of %s %q", value.Value.String(), of.Kind, of.Name))
	}
	if len(values) > mostListed {
		shown = append(shown, "...")
	}
	return strings.Join(shown, ", ")
}

// objectPath is where the custom metrics API has the metric of an object:
//
//	a Namespace         namespaces/<the target's>/metrics/<metric>   whichever it names: nobody looks into others
//	in a namespace      namespaces/<the target's>/<resource>/<name>/<metric>
//	in the cluster      <resource>/<name>/<metric>
func (p *pass) objectPath(ctx context.Context, object autoscalingv2.CrossVersionObjectReference, metric string) (kube.Path, error) {
	wanted := schema.FromAPIVersionAndKind(object.APIVersion, object.Kind)
	if wanted.Group == corev1.GroupName && strings.EqualFold(wanted.Kind, "Namespace") {
		return kube.Path{Namespace: p.snapshot.Namespace, Resource: "metrics", Name: metric}, nil
	}
	kind, err := p.discovery.kind(ctx, p.now, wanted)
	if err != nil {
		return kube.Path{}, fmt.Errorf("%w (describedObject)", err)
	}
	path := kube.Path{Resource: kind.GroupResource().String(), Name: object.Name, Subresource: metric}
	if kind.Namespaced {
		path.Namespace = p.snapshot.Namespace
	}
	return path, nil
}

// single is one value under the name of the target's type. A Value is shared by the ready pods, so there must be pods,
// unless there shall be none: an object or external metric is what wakes a target that is at zero.
func (p *pass) single(target autoscalingv2.MetricTargetType, value int64, at metav1.Time) (*userlogic.SingleMetric, error) {
	if target == autoscalingv2.AverageValueMetricType {
		return &userlogic.SingleMetric{Current: userlogic.CurrentValue{AverageValue: &value}, Timestamp: at}, nil
	}
	if p.snapshot.Replicas > 0 && len(p.living) == 0 {
		return nil, p.noPods()
	}
	ready := p.readyPods()
	return &userlogic.SingleMetric{Current: userlogic.CurrentValue{Value: &value}, ReadyPodCount: &ready, Timestamp: at}, nil
}

// readyPods counts the pods that share the load of a value that is not of any pod.
func (p *pass) readyPods() (count int64) {
	for _, pod := range p.living {
		if pod.Status.Phase == corev1.PodRunning && workload.IsReady(pod) {
			count++
		}
	}
	return count
}
