package config

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

type containerResourceSource = autoscalingv2.ContainerResourceMetricSource

// containerResourceForm is a resource of one container of the target's pods.
var containerResourceForm = form[metricSpec]{string(autoscalingv2.ContainerResourceMetricSourceType), func(l *ledger, under string, spec *metricSpec) {
	check(l, under+"containerResource.", containerResourceKeys, spec.ContainerResource)
}}

var containerResourceKeys = slices.Concat(
	[]rule.Key{
		{Name: "name", Meaning: "the resource, `cpu` or `memory`", Rule: rule.NotEmpty()},
		{Name: "container", Meaning: "the container's name; a sidecar's will do", Rule: rule.NotEmpty()},
	},
	targetOf(autoscalingv2.UtilizationMetricType, autoscalingv2.AverageValueMetricType),
)
