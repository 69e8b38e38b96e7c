package kubernetes

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// metricKeys are the keys that name a custom or external metric.
func metricKeys[T any](of func(*T) autoscalingv2.MetricIdentifier) []rule.Key {
	return []rule.Key{
		{Name: "metric.name", Meaning: "the metric, as its adapter calls it", Rule: rule.PathSegment()},
		{Name: "metric.selector", Meaning: "which of the metric's series, by their labels; all of them if it is left out", Rule: rule.That("must be a label selector, e.g. queue=worker_tasks",
			func(t *T) bool { _, err := metav1.LabelSelectorAsSelector(of(t).Selector); return err == nil })},
	}
}

// single is one value under the name of the target's type. A Value is shared by the ready pods, so there must be pods,
// unless there shall be none: an object or external metric is what wakes a target that is at zero.
func (g gathering) single(target autoscalingv2.MetricTargetType, value int64, at metav1.Time) (*userlogic.SingleMetric, error) {
	if target == autoscalingv2.AverageValueMetricType {
		return &userlogic.SingleMetric{Current: userlogic.CurrentValue{AverageValue: &value}, Timestamp: at}, nil
	}
	if g.scene.Replicas > 0 && len(g.scene.Pods) == 0 {
		return nil, g.noPods()
	}
	ready := g.scene.ReadyPods()
	return &userlogic.SingleMetric{Current: userlogic.CurrentValue{Value: &value}, ReadyPodCount: &ready, Timestamp: at}, nil
}
