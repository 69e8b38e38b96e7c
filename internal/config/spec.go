package config

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

type metricSpec = autoscalingv2.MetricSpec

// specForms are the sources that Kubernetes metrics are gathered from: a new one is a file with its keys, and a
// line here.
var specForms = []form[metricSpec]{resourceForm}

var specKeys = []key[metricSpec]{
	{"type", "where the metric comes from", "must be one that this version supports: " + names(specForms),
		func(s *metricSpec) bool { return find(specForms, string(s.Type)) != nil }},
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
