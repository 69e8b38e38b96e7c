package hpa_test

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic/hpa"
)

// TestReplicas asks for targets that the specs do not carry, as those of user code need not.
func TestReplicas(t *testing.T) {
	amount := func(of autoscalingv2.MetricTargetType, value string) autoscalingv2.MetricTarget {
		quantity := resource.MustParse(value)
		return autoscalingv2.MetricTarget{Type: of, Value: &quantity, AverageValue: &quantity}
	}
	half, pods := int32(50), map[string]userlogic.PodMetric{"a": {Value: 300}, "b": {Value: 300}}
	requests := map[string]int64{"a": 200, "b": 200}
	value, ready := int64(90_000), int64(2)
	single := &userlogic.SingleMetric{Current: userlogic.CurrentValue{Value: &value, AverageValue: &value}, ReadyPodCount: &ready}
	for _, row := range []struct {
		name   string
		metric userlogic.KubernetesMetric
		target autoscalingv2.MetricTarget
		want   int32
	}{
		{"a resource", userlogic.KubernetesMetric{
			Spec:     autoscalingv2.MetricSpec{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{}},
			Resource: &userlogic.ResourceMetrics{PodMetricsInfo: pods, Requests: requests},
		}, autoscalingv2.MetricTarget{Type: "Utilization", AverageUtilization: &half}, 6},
		{"a container's resource", userlogic.KubernetesMetric{
			Spec:              autoscalingv2.MetricSpec{Type: "ContainerResource", ContainerResource: &autoscalingv2.ContainerResourceMetricSource{}},
			ContainerResource: &userlogic.ResourceMetrics{PodMetricsInfo: pods},
		}, amount("AverageValue", "100m"), 6},
		{"a metric of pods", userlogic.KubernetesMetric{
			Spec: autoscalingv2.MetricSpec{Type: "Pods", Pods: &autoscalingv2.PodsMetricSource{}},
			Pods: &userlogic.PodsMetrics{PodMetricsInfo: pods},
		}, amount("AverageValue", "100m"), 6},
		{"a metric of an object", userlogic.KubernetesMetric{
			Spec:   autoscalingv2.MetricSpec{Type: "Object", Object: &autoscalingv2.ObjectMetricSource{}},
			Object: single,
		}, amount("Value", "30"), 6},
		{"an external metric", userlogic.KubernetesMetric{
			Spec:     autoscalingv2.MetricSpec{Type: "External", External: &autoscalingv2.ExternalMetricSource{}},
			External: single,
		}, amount("AverageValue", "15"), 6},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.metric.CurrentReplicas = 2
			before := row.metric.Spec.DeepCopy()
			got, reason, err := hpa.Replicas(row.metric, row.target)
			if err != nil || got != row.want || reason == "" {
				t.Errorf("got %d (%s), %v; want %d", got, reason, err, row.want)
			}
			if row.metric.Spec.String() != before.String() {
				t.Error("the caller's spec was changed")
			}
		})
	}
	if _, _, err := hpa.Replicas(userlogic.KubernetesMetric{}, amount("Value", "1")); err == nil {
		t.Error("no error for no metric")
	}
}
