// Package hpa lets user logic ask what a HorizontalPodAutoscaler would do about a metric, and do something else with
// the answer. It is what the hpa evaluator uses.
package hpa

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/hpa"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// tolerance is the HorizontalPodAutoscaler's own.
const tolerance = 0.1

// Replicas is how many replicas a HorizontalPodAutoscaler would propose for the metric and a target of the type that
// the metric's spec has, and why.
func Replicas(metric userlogic.KubernetesMetric, target autoscalingv2.MetricTarget) (replicas int32, reason string, err error) {
	reading, err := kubernetes.Read(aimed(metric, target))
	if err != nil {
		return 0, "", &hpa.UnusableError{Of: 1, Errs: []error{err}}
	}
	proposal, err := hpa.Propose(hpa.Input{
		SpecReplicas: metric.CurrentReplicas, StatusReplicas: metric.CurrentReplicas,
		Metrics: []metrics.Reading{reading}, Tolerance: tolerance,
	})
	return proposal.Replicas, proposal.Reason, err
}

// aimed is the metric with the target in its spec, which is the caller's and stays as it was.
func aimed(metric userlogic.KubernetesMetric, target autoscalingv2.MetricTarget) userlogic.KubernetesMetric {
	metric.Spec = *metric.Spec.DeepCopy()
	if _, aim := kubernetes.Target(&metric.Spec); aim != nil {
		*aim = target
	}
	return metric
}
