package config

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

type podsSource = autoscalingv2.PodsMetricSource

// podsForm is a custom metric of each of the target's pods.
var podsForm = form[metricSpec]{string(autoscalingv2.PodsMetricSourceType), func(l *ledger, under string, spec *metricSpec) {
	check(l, under+"pods.", podsKeys, spec.Pods)
}}

var podsKeys = slices.Concat(
	metricOf(func(p *podsSource) autoscalingv2.MetricIdentifier { return p.Metric }),
	targetOf(autoscalingv2.AverageValueMetricType),
)
