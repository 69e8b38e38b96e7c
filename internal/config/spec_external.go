package config

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

type externalSource = autoscalingv2.ExternalMetricSource

// externalForm is a metric of something that is not in the cluster, such as a queue.
var externalForm = form[metricSpec]{string(autoscalingv2.ExternalMetricSourceType), func(l *ledger, under string, spec *metricSpec) {
	check(l, under+"external.", externalKeys, spec.External)
}}

var externalKeys = slices.Concat(
	metricOf(func(e *externalSource) autoscalingv2.MetricIdentifier { return e.Metric }),
	targetOf(autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType),
)
