package kubernetes

import (
	"context"
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// externalType is the sum of a metric of something outside of the cluster, such as a queue, from external.metrics.k8s.io.
var externalType = Type{
	Name: string(autoscalingv2.ExternalMetricSourceType), Block: "external",
	Meaning: "a metric of something outside of the cluster", Example: "{metric: {name: queue_length}, target: {type: Value}}",
	Keys: slices.Concat(
		metricKeys(func(e *autoscalingv2.ExternalMetricSource) autoscalingv2.MetricIdentifier { return e.Metric }),
		targetKeys(autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType),
	),

	target: func(s *spec) *autoscalingv2.MetricTarget {
		if s.External == nil {
			return nil
		}
		return &s.External.Target
	},
	short:  func(s *spec) string { return s.External.Metric.Name },
	name:   func(s *spec) string { return "external metric " + s.External.Metric.Name },
	query:  func(s *spec) (Query, error) { return externalQuery(s) },
	gather: gatherExternal,
	read:   func(m *userlogic.KubernetesMetric, r *metrics.Reading) { r.Value = m.External },
}

func externalQuery(s *spec) (External, error) {
	selector, err := selects(s.External.Metric.Selector)
	return External{s.External.Metric.Name, selector}, err
}

func gatherExternal(ctx context.Context, g gathering, metric *userlogic.KubernetesMetric) error {
	query, err := externalQuery(&metric.Spec)
	if err != nil {
		return err
	}
	read, err := g.external(ctx, query)
	if err != nil {
		return err
	}
	var sum int64
	for _, value := range read {
		sum = add(sum, milli(value.Value))
	}
	metric.External, err = g.single(metric.Spec.External.Target.Type, sum, read[0].Timestamp)
	return err
}
