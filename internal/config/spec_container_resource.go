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
	[]key[containerResourceSource]{
		{"name", "the resource, `cpu` or `memory`", rule.NotEmpty()},
		{"container", "the container's name; a sidecar's will do", rule.NotEmpty()},
	},
	targetOf[containerResourceSource](autoscalingv2.UtilizationMetricType, autoscalingv2.AverageValueMetricType),
)
