package config

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
)

type metricSpec = autoscalingv2.MetricSpec

// specForms are the sources that Kubernetes metrics are gathered from: a new one is a file with its keys, and a
// line here and in specKeys.
var specForms = []form[metricSpec]{resourceForm, containerResourceForm, podsForm, objectForm, externalForm}

var specKeys = []rule.Key{
	{Name: "type", Meaning: "where the metric comes from", Rule: rule.OneOf(names(specForms)...)},
	{Name: "resource", Meaning: "a resource of the target's pods", Rule: specOf(resourceForm, "{name: cpu, target: {type: Utilization}}")},
	{Name: "containerResource", Meaning: "a resource of one container of the target's pods", Rule: specOf(containerResourceForm, "{name: cpu, container: web, target: {type: Utilization}}")},
	{Name: "pods", Meaning: "a custom metric of the target's pods", Rule: specOf(podsForm, "{metric: {name: requests}, target: {type: AverageValue}}")},
	{Name: "object", Meaning: "a custom metric of one object", Rule: specOf(objectForm, "{describedObject: {...}, metric: {name: requests}, target: {type: Value}}")},
	{Name: "external", Meaning: "a metric of something outside of the cluster", Rule: specOf(externalForm, "{metric: {name: queue_length}, target: {type: Value}}")},
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
func targetOf(types ...autoscalingv2.MetricTargetType) []rule.Key {
	return []rule.Key{
		{Name: "target.type", Meaning: "what the metric is compared with", Rule: rule.OneOf(types...)},
		{Name: "target.averageUtilization", Meaning: "a percentage of the requests; may be left out", Rule: rule.MoreThanZero()},
		{Name: "target.averageValue", Meaning: "an amount for each pod; may be left out", Rule: rule.MoreThanZero()},
		{Name: "target.value", Meaning: "an amount; may be left out", Rule: rule.MoreThanZero()},
	}
}

// metricOf are the keys that name a custom or external metric.
func metricOf[T any](of func(*T) autoscalingv2.MetricIdentifier) []rule.Key {
	return []rule.Key{
		{Name: "metric.name", Meaning: "the metric, as its adapter calls it", Rule: segmentRule},
		{Name: "metric.selector", Meaning: "which of the metric's series, by their labels; all of them if it is left out", Rule: rule.That("must be a label selector, e.g. queue=worker_tasks",
			func(t *T) bool { _, err := metav1.LabelSelectorAsSelector(of(t).Selector); return err == nil })},
	}
}

// checkAims asks for the values that targets may leave out where user code decides.
func checkAims(l *ledger, specs []metricSpec) {
	for i, spec := range specs {
		block, target := metrics.Target(&spec)
		if target == nil {
			continue // a problem already
		}
		for _, aim := range []struct {
			of      autoscalingv2.MetricTargetType
			name    string
			missing bool
		}{
			{autoscalingv2.UtilizationMetricType, "averageUtilization", target.AverageUtilization == nil},
			{autoscalingv2.AverageValueMetricType, "averageValue", target.AverageValue == nil},
			{autoscalingv2.ValueMetricType, "value", target.Value == nil},
		} {
			key := fmt.Sprintf("kubernetesMetricSpecs[%d].%s.target.%s", i, block, aim.name)
			if aim.of == target.Type && aim.missing && !l.origins[key].refused {
				l.problems = append(l.problems, Problem{Key: key, Rule: "required when evaluate is of the type " + proposing() + ", which aims at it", Source: l.source(key)})
			}
		}
	}
}
