package config

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// HPAMethod is the type of an evaluate method that needs no user code: it proposes what a HorizontalPodAutoscaler would.
const HPAMethod = "hpa"

// hpaStabilization is the window of a HorizontalPodAutoscaler's controller. What proposes the same needs the same where nobody sets
// another.
const (
	stabilizationKey = "downscaleStabilization"
	hpaStabilization = 300
)

// HPA is how the proposal is made.
type HPA struct {
	Tolerance float64 `json:"tolerance"`
}

var hpaKeys = []key[HPA]{
	{"tolerance", "how far a metric may be from its target, as a part of it, without a change of replicas", rule.From(0, 1)},
}

func (h *HPA) setDefaults() { h.Tolerance = 0.1 }

var hpaForm = form[Method]{HPAMethod, func(l *ledger, under string, m *Method) {
	if under != "evaluate." {
		l.problems = append(l.problems, Problem{under + "type", `"hpa"`, "must be shell, http or worker; hpa is for evaluate only", l.source(under + "type")})
	}
	check(l, under+"hpa.", hpaKeys, m.HPA)
}}

// Proposes tells whether evaluate needs no user code, and so no metric either.
func (c *Config) Proposes() bool { return c.Evaluate != nil && c.Evaluate.Type == HPAMethod }

// Tolerance is that of evaluate's type hpa.
func (c *Config) Tolerance() float64 {
	hpa := c.Evaluate.HPA
	if hpa == nil {
		hpa = &HPA{}
		hpa.setDefaults()
	}
	return hpa.Tolerance
}

// checkAims asks for the values that targets may leave out where user code decides.
func checkAims(l *ledger, specs []metricSpec) {
	for i, spec := range specs {
		block, target := aimOf(spec)
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
				l.problems = append(l.problems, Problem{key, "", "required when evaluate is of the type hpa, which aims at it", l.source(key)})
			}
		}
	}
}

func aimOf(spec metricSpec) (block string, target *autoscalingv2.MetricTarget) {
	switch {
	case spec.Resource != nil:
		return "resource", &spec.Resource.Target
	case spec.ContainerResource != nil:
		return "containerResource", &spec.ContainerResource.Target
	case spec.Pods != nil:
		return "pods", &spec.Pods.Target
	case spec.Object != nil:
		return "object", &spec.Object.Target
	case spec.External != nil:
		return "external", &spec.External.Target
	}
	return "", nil
}
