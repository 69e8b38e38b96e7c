package config

import (
	"fmt"
	"reflect"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/kinds"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
)

type metricSpec = autoscalingv2.MetricSpec

// specKeys are the keys of a Kubernetes metric: its type, and the settings of each type.
var specKeys = func() []rule.Key {
	var names []string
	var settings []rule.Key
	for _, of := range kubernetes.Types() {
		names = append(names, of.Name)
		settings = append(settings, rule.Key{Name: of.Block, Meaning: of.Meaning, Rule: rule.RequiredOfType(of.Name).Noting(", e.g. " + of.Example)})
	}
	return append([]rule.Key{{Name: "type", Meaning: "where the metric comes from", Rule: rule.OneOf(names...)}}, settings...)
}()

func checkSpecs(l *decode.Ledger, specs []metricSpec) {
	for i := range specs {
		under := fmt.Sprintf("kubernetesMetricSpecs[%d].", i)
		l.Check(under, specKeys, &specs[i])
		for _, of := range kubernetes.Types() {
			if of.Name == string(specs[i].Type) {
				l.Check(under+of.Block+".", of.Keys, rule.Field(&specs[i], of.Block).Interface())
			}
		}
	}
}

// freshSettings are the settings of a type of Kubernetes metric, of which nothing is set.
func freshSettings(of kubernetes.Type) any {
	return reflect.New(rule.Field(&metricSpec{}, of.Block).Type().Elem()).Interface()
}

// checkAims asks for the values that targets may leave out where user code decides.
func checkAims(l *decode.Ledger, specs []metricSpec) {
	for i, spec := range specs {
		block, target := kubernetes.Target(&spec)
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
			if aim.of == target.Type && aim.missing && !l.Refused(key) {
				l.Add(decode.Problem{Key: key, Rule: "required when evaluate is of the type " + kinds.Proposing() + ", which aims at it", Source: l.Source(key)})
			}
		}
	}
}
