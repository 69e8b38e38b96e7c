package config

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

type objectSource = autoscalingv2.ObjectMetricSource

// objectForm is a custom metric of one object, whatever it is.
var objectForm = form[metricSpec]{string(autoscalingv2.ObjectMetricSourceType), func(l *ledger, under string, spec *metricSpec) {
	check(l, under+"object.", objectKeys, spec.Object)
}}

var objectKeys = slices.Concat(
	[]key[objectSource]{
		{"describedObject.apiVersion", "the object's API group and version", versionRule},
		{"describedObject.kind", "the object's kind, e.g. `Ingress`; of a `Namespace`, it is the target's own", segmentRule},
		{"describedObject.name", "the object's name", segmentRule},
	},
	metricOf(func(o *objectSource) autoscalingv2.MetricIdentifier { return o.Metric }),
	targetOf[objectSource](autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType),
)
