package config

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type metricSpec = autoscalingv2.MetricSpec

// specForms are the sources that Kubernetes metrics are gathered from: a new one is a file with its keys, and a
// line here and in specKeys.
var specForms = []form[metricSpec]{resourceForm, containerResourceForm, podsForm, objectForm, externalForm}

var specKeys = []key[metricSpec]{
	{"type", "where the metric comes from", "must be " + names(specForms),
		func(s *metricSpec) bool { return find(specForms, string(s.Type)) != nil }},
	{"resource", "a resource of the target's pods", "required when type is Resource, e.g. {name: cpu, target: {type: Utilization}}",
		func(s *metricSpec) bool { return s.Type != autoscalingv2.ResourceMetricSourceType || s.Resource != nil }},
	{"containerResource", "a resource of one container of the target's pods", "required when type is ContainerResource, e.g. {name: cpu, container: web, target: {type: Utilization}}",
		func(s *metricSpec) bool {
			return s.Type != autoscalingv2.ContainerResourceMetricSourceType || s.ContainerResource != nil
		}},
	{"pods", "a custom metric of the target's pods", "required when type is Pods, e.g. {metric: {name: requests}, target: {type: AverageValue}}",
		func(s *metricSpec) bool { return s.Type != autoscalingv2.PodsMetricSourceType || s.Pods != nil }},
	{"object", "a custom metric of one object", "required when type is Object, e.g. {describedObject: {...}, metric: {name: requests}, target: {type: Value}}",
		func(s *metricSpec) bool { return s.Type != autoscalingv2.ObjectMetricSourceType || s.Object != nil }},
	{"external", "a metric of something outside of the cluster", "required when type is External, e.g. {metric: {name: queue_length}, target: {type: Value}}",
		func(s *metricSpec) bool {
			return s.Type != autoscalingv2.ExternalMetricSourceType || s.External != nil
		}},
}

func checkSpecs(l *ledger, specs []metricSpec) {
	for i := range specs {
		under := fmt.Sprintf("kubernetesMetricSpecs[%d].", i)
		check(l, under, specKeys, &specs[i])
		if form := find(specForms, string(specs[i].Type)); form != nil {
			form.check(l, under, &specs[i])
		}
	}
}

// targetOf are the keys of what a metric is aimed at. The values may be left out: deciding is evaluate's part.
func targetOf[T any](of func(*T) autoscalingv2.MetricTarget, types ...autoscalingv2.MetricTargetType) []key[T] {
	const positive = "must be more than 0"
	var words []string
	for _, t := range types {
		words = append(words, string(t))
	}
	return []key[T]{
		{"target.type", "what the metric is compared with", "must be " + strings.Join(words, " or "),
			func(t *T) bool { return slices.Contains(types, of(t).Type) }},
		{"target.averageUtilization", "a percentage of the requests; may be left out", positive,
			func(t *T) bool { return of(t).AverageUtilization == nil || *of(t).AverageUtilization > 0 }},
		{"target.averageValue", "an amount for each pod; may be left out", positive,
			func(t *T) bool { return positiveIfSet(of(t).AverageValue) }},
		{"target.value", "an amount; may be left out", positive,
			func(t *T) bool { return positiveIfSet(of(t).Value) }},
	}
}

func positiveIfSet(q *resource.Quantity) bool { return q == nil || q.Sign() > 0 }

// metricOf are the keys that name a custom or external metric.
func metricOf[T any](of func(*T) autoscalingv2.MetricIdentifier) []key[T] {
	return []key[T]{
		{"metric.name", "the metric, as its adapter calls it", segmentRule,
			func(t *T) bool { return isSegment(of(t).Name) }},
		{"metric.selector", "which of the metric's series, by their labels; all of them if it is left out", "must be a label selector, e.g. queue=worker_tasks",
			func(t *T) bool { _, err := metav1.LabelSelectorAsSelector(of(t).Selector); return err == nil }},
	}
}
