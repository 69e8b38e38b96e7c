package kubemetrics

import (
	"context"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

func describeObject(spec autoscalingv2.MetricSpec) string {
	object := spec.Object.DescribedObject
	return fmt.Sprintf("%s of %s %q", spec.Object.Metric.Name, object.Kind, object.Name)
}

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
	metric.Object, err = p.single(source.Target.Type, milli(read[0].Value), read[0].Timestamp)
	return err
}

// objectPath is where the custom metrics API has the metric of an object:
//
//	a Namespace         namespaces/<the target's>/metrics/<metric>   whichever it names: nobody looks into others
//	in a namespace      namespaces/<the target's>/<resource>/<name>/<metric>
//	in the cluster      <resource>/<name>/<metric>
func (p *pass) objectPath(ctx context.Context, object autoscalingv2.CrossVersionObjectReference, metric string) (kube.Path, error) {
	kind := schema.FromAPIVersionAndKind(object.APIVersion, object.Kind)
	if kind.Group == corev1.GroupName && kind.Kind == "Namespace" {
		return kube.Path{Namespace: p.snapshot.Namespace, Resource: "metrics", Name: metric}, nil
	}
	resource, err := p.discovery.resource(ctx, p.now, kind)
	if err != nil {
		return kube.Path{}, err
	}
	path := kube.Path{Resource: schema.GroupResource{Group: kind.Group, Resource: resource.Name}.String(), Name: object.Name, Subresource: metric}
	if resource.Namespaced {
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
	if p.snapshot.Replicas > 0 && len(p.snapshot.Pods) == 0 {
		return nil, errNoPods
	}
	ready := p.readyPods()
	return &userlogic.SingleMetric{Current: userlogic.CurrentValue{Value: &value}, ReadyPodCount: &ready, Timestamp: at}, nil
}

// readyPods counts the pods that share the load of a value that is not of any pod.
func (p *pass) readyPods() (count int64) {
	for _, pod := range p.living {
		if ready := readyCondition(pod); pod.Status.Phase == corev1.PodRunning && ready != nil && ready.Status == corev1.ConditionTrue {
			count++
		}
	}
	return count
}
