package config

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

type resourceSource = autoscalingv2.ResourceMetricSource

// resourceForm is cpu, memory or another resource of the target's pods.
var resourceForm = form[metricSpec]{string(autoscalingv2.ResourceMetricSourceType), func(l *ledger, under string, spec *metricSpec) {
	check(l, under+"resource.", resourceKeys, spec.Resource)
}}

var resourceKeys = slices.Concat(
	[]rule.Key{
		{Name: "name", Meaning: "the resource, `cpu` or `memory`", Rule: rule.NotEmpty()},
	},
	targetOf(autoscalingv2.UtilizationMetricType, autoscalingv2.AverageValueMetricType),
)
