package config

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

type metricSpec = autoscalingv2.MetricSpec

// specForms are the sources that Kubernetes metrics are gathered from: a new one is a file with its keys, and a
// line here and in specKeys.
var specForms = []form[metricSpec]{resourceForm, containerResourceForm, podsForm, objectForm, externalForm}

var specKeys = []key[metricSpec]{
	{"type", "where the metric comes from", rule.OneOf(names(specForms)...)},
	{"resource", "a resource of the target's pods", specOf(resourceForm, "{name: cpu, target: {type: Utilization}}")},
	{"containerResource", "a resource of one container of the target's pods", specOf(containerResourceForm, "{name: cpu, container: web, target: {type: Utilization}}")},
	{"pods", "a custom metric of the target's pods", specOf(podsForm, "{metric: {name: requests}, target: {type: AverageValue}}")},
	{"object", "a custom metric of one object", specOf(objectForm, "{describedObject: {...}, metric: {name: requests}, target: {type: Value}}")},
	{"external", "a metric of something outside of the cluster", specOf(externalForm, "{metric: {name: queue_length}, target: {type: Value}}")},
}

func specOf(of form[metricSpec], example string) rule.Rule {
	return rule.RequiredOfType(of.name).Noting(", e.g. " + example)
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
func targetOf[T any](types ...autoscalingv2.MetricTargetType) []key[T] {
	return []key[T]{
		{"target.type", "what the metric is compared with", rule.OneOf(types...)},
		{"target.averageUtilization", "a percentage of the requests; may be left out", rule.MoreThanZero()},
		{"target.averageValue", "an amount for each pod; may be left out", rule.MoreThanZero()},
		{"target.value", "an amount; may be left out", rule.MoreThanZero()},
	}
}

// metricOf are the keys that name a custom or external metric.
func metricOf[T any](of func(*T) autoscalingv2.MetricIdentifier) []key[T] {
	return []key[T]{
		{"metric.name", "the metric, as its adapter calls it", segmentRule},
		{"metric.selector", "which of the metric's series, by their labels; all of them if it is left out", rule.That("must be a label selector, e.g. queue=worker_tasks",
			func(t *T) bool { _, err := metav1.LabelSelectorAsSelector(of(t).Selector); return err == nil })},
	}
}
