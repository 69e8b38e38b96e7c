package config

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

type objectSource = autoscalingv2.ObjectMetricSource

// objectForm is a custom metric of one object, whatever it is.
var objectForm = form[metricSpec]{string(autoscalingv2.ObjectMetricSourceType), func(l *ledger, under string, spec *metricSpec) {
	check(l, under+"object.", objectKeys, spec.Object)
}}

var objectKeys = slices.Concat(
	[]rule.Key{
		{Name: "describedObject.apiVersion", Meaning: "the object's API group and version", Rule: versionRule},
		{Name: "describedObject.kind", Meaning: "the object's kind, e.g. `Ingress`; of a `Namespace`, it is the target's own", Rule: segmentRule},
		{Name: "describedObject.name", Meaning: "the object's name", Rule: segmentRule},
	},
	metricOf(func(o *objectSource) autoscalingv2.MetricIdentifier { return o.Metric }),
	targetOf(autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType),
)
