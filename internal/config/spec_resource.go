package config

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

type resourceSource = autoscalingv2.ResourceMetricSource

// resourceForm is cpu, memory or another resource of the target's pods.
var resourceForm = form[metricSpec]{string(autoscalingv2.ResourceMetricSourceType), func(l *ledger, under string, spec *metricSpec) {
	check(l, under, resourceBlock, spec)
	check(l, under+"resource.", resourceKeys, spec.Resource)
}}

var resourceBlock = []key[metricSpec]{
	{"resource", "which resource", "required when type is Resource, e.g. {name: cpu, target: {type: Utilization}}",
		func(s *metricSpec) bool { return s.Resource != nil }},
}

var resourceKeys = []key[resourceSource]{
	{"name", "the resource, `cpu` or `memory`", "must not be empty",
		func(r *resourceSource) bool { return r.Name != "" }},
	{"target.type", "whether the pods' requests are gathered too (`Utilization`), or only what they use (`AverageValue`)", "must be Utilization or AverageValue",
		func(r *resourceSource) bool {
			return r.Target.Type == autoscalingv2.UtilizationMetricType || r.Target.Type == autoscalingv2.AverageValueMetricType
		}},
	{"target.averageUtilization", "a percentage of the requests; may be left out", "must be more than 0",
		func(r *resourceSource) bool {
			return r.Target.AverageUtilization == nil || *r.Target.AverageUtilization > 0
		}},
	{"target.averageValue", "an amount for each pod; may be left out", "must be more than 0",
		func(r *resourceSource) bool { return positiveIfSet(r.Target.AverageValue) }},
	{"target.value", "an amount; may be left out", "must be more than 0",
		func(r *resourceSource) bool { return positiveIfSet(r.Target.Value) }},
}

func positiveIfSet(q *resource.Quantity) bool { return q == nil || q.Sign() > 0 }
