package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	custommetricsv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// objectType is a metric of one object, whatever it is, from custom.metrics.k8s.io.
var objectType = Type{
	Name: string(autoscalingv2.ObjectMetricSourceType), Block: "object",
	Meaning: "a custom metric of one object", Example: "{describedObject: {...}, metric: {name: requests}, target: {type: Value}}",
	Keys: slices.Concat(
		[]rule.Key{
			{Name: "describedObject.apiVersion", Meaning: "the object's API group and version", Rule: rule.GroupVersion()},
			{Name: "describedObject.kind", Meaning: "the object's kind, e.g. `Ingress`; of a `Namespace`, it is the target's own", Rule: rule.PathSegment()},
			{Name: "describedObject.name", Meaning: "the object's name", Rule: rule.PathSegment()},
		},
		metricKeys(func(o *autoscalingv2.ObjectMetricSource) autoscalingv2.MetricIdentifier { return o.Metric }),
		targetKeys(autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType),
	),

	target: func(s *spec) *autoscalingv2.MetricTarget {
		if s.Object == nil {
			return nil
		}
		return &s.Object.Target
	},
	short: func(s *spec) string {
		return fmt.Sprintf("%s of %s %q", s.Object.Metric.Name, s.Object.DescribedObject.Kind, s.Object.DescribedObject.Name)
	},
	name: func(s *spec) string {
		return fmt.Sprintf("%s metric %s", s.Object.DescribedObject.Kind, s.Object.Metric.Name)
	},
	query:  func(s *spec) (Query, error) { return objectQuery(s) },
	gather: gatherObject,
	read:   func(m *userlogic.KubernetesMetric, r *metrics.Reading) { r.Value = m.Object },
}

func objectQuery(s *spec) (Custom, error) {
	selector, err := selects(s.Object.Metric.Selector)
	return Custom{&s.Object.DescribedObject, s.Object.Metric.Name, selector}, err
}

func gatherObject(ctx context.Context, g gathering, metric *userlogic.KubernetesMetric) error {
	query, err := objectQuery(&metric.Spec)
	if err != nil {
		return err
	}
	read, err := g.custom(ctx, query)
	if err != nil {
		return err
	}
	if len(read) != 1 {
		return &fault.Fault{
			Err:     fmt.Errorf("there are %d values of one object's metric, so that it is not known which counts: %s", len(read), listed(read)),
			Setting: ".object.metric.selector", Hint: "let metric.selector select one series, or the adapter's rule sum them",
		}
	}
	metric.Object, err = g.single(metric.Spec.Object.Target.Type, milli(read[0].Value), read[0].Timestamp)
	return err
}

// mostListed is how many values a message shows.
const mostListed = 5

// listed are values as a message shows them: each with the object that the adapter says it is of.
func listed(values []custommetricsv1beta2.MetricValue) string {
	var shown []string
	for _, value := range values[:min(len(values), mostListed)] {
		of := value.DescribedObject
		shown = append(shown, fmt.Sprintf("%s of %s %q", value.Value.String(), of.Kind, of.Name))
	}
	if len(values) > mostListed {
		shown = append(shown, "...")
	}
	return strings.Join(shown, ", ")
}
