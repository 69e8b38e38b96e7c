// Package kubernetes is the source of Kubernetes metrics, which it gathers as a HorizontalPodAutoscaler sees them: which pods are
// ready, ignored or missing, what they use and what they request. It proposes no replicas, and calls the cluster only through a Reader.
//
// Each type of metric is a file and a line in types.
package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

type spec = autoscalingv2.MetricSpec

// types are all types of Kubernetes metrics.
var types = []Type{resourceType, containerResourceType, podsType, objectType, externalType}

// Type is one type of Kubernetes metric.
type Type struct {
	Name    string     // as specs have it
	Block   string     // the key of its settings
	Meaning string     // of that key
	Example string     // of the settings
	Keys    []rule.Key // of the settings

	// target is what a spec aims at, in the spec itself; nil where the spec lacks the settings of this type. The other functions are
	// only called for a spec that has them.
	target func(*spec) *autoscalingv2.MetricTarget
	short  func(*spec) string // the name in messages: cpu
	name   func(*spec) string // the name that a HorizontalPodAutoscaler uses: cpu resource
	query  func(*spec) (Query, error)
	gather func(context.Context, gathering, *userlogic.KubernetesMetric) error
	read   func(*userlogic.KubernetesMetric, *metrics.Reading) // sets Pods or Value, where the document has them
}

// Types returns all types of Kubernetes metrics.
func Types() []Type { return types }

func typeOf(of *spec) (Type, bool) {
	for _, t := range types {
		if t.Name == string(of.Type) && t.target(of) != nil {
			return t, true
		}
	}
	return Type{}, false
}

// Target returns what a spec aims at, in the spec itself, and the key of the settings that it is in. It is nil where the spec lacks
// the settings of its type.
func Target(of *spec) (block string, target *autoscalingv2.MetricTarget) {
	t, known := typeOf(of)
	if !known {
		return "", nil
	}
	return t.Block, t.target(of)
}

// Describe returns a spec's short name: Resource cpu.
func Describe(of spec) string {
	t, known := typeOf(&of)
	if !known {
		return string(of.Type)
	}
	return t.Name + " " + t.short(&of)
}

// Read reads a document, as user code is given it and as it is recorded.
func Read(document userlogic.KubernetesMetric) (metrics.Reading, error) {
	var r metrics.Reading
	t, known := typeOf(&document.Spec)
	if known {
		r.Name, r.Target = t.name(&document.Spec), *t.target(&document.Spec)
		t.read(&document, &r)
	}
	if r.Pods == nil && r.Value == nil {
		return metrics.Reading{}, fmt.Errorf("a metric of the type %q lacks its spec or its values", document.Spec.Type)
	}
	return r, nil
}

// source gathers the metric of one spec.
type source struct {
	index  int
	spec   spec
	reader Reader
	rules  StartUpRules
}

// Sources returns the sources of the specs of a configuration. A reader of nil will do for who only recalls.
func Sources(specs []spec, reader Reader, rules StartUpRules) metrics.Sources {
	sources := make(metrics.Sources, len(specs))
	for i, spec := range specs {
		sources[i] = source{i, spec, reader, rules}
	}
	return sources
}

func (s source) ID() metrics.ID {
	return metrics.ID{Key: fmt.Sprintf("kubernetesMetricSpecs[%d]", s.index), Type: string(s.spec.Type), Name: Describe(s.spec)}
}

func (s source) Gather(ctx context.Context, scene *metrics.Scene) (metrics.Metric, error) {
	t, known := typeOf(&s.spec)
	if !known {
		return metrics.Metric{}, fmt.Errorf("this version gathers no metrics of the type %q", s.spec.Type)
	}
	document := userlogic.KubernetesMetric{CurrentReplicas: scene.Replicas, Spec: s.spec}
	if err := t.gather(ctx, gathering{scene, s.reader, s.rules}, &document); err != nil {
		return metrics.Metric{}, err
	}
	return metricOf(document)
}

// Recall finds the document of the same metric. What the metric aims at may be another now.
func (s source) Recall(recorded metrics.Documents) (metrics.Metric, error) {
	for _, document := range recorded.Kubernetes {
		if identity(document.Spec) == identity(s.spec) {
			document.Spec = s.spec
			return metricOf(document)
		}
	}
	return metrics.Metric{}, errors.New("it was not recorded")
}

func metricOf(document userlogic.KubernetesMetric) (metrics.Metric, error) {
	reading, err := Read(document)
	return metrics.Metric{Reading: reading, Kubernetes: &document}, err
}

// identity is what the value of a metric depends on: all of its spec but the numbers that it aims at.
func identity(of spec) string {
	of = *of.DeepCopy()
	if _, target := Target(&of); target != nil {
		*target = autoscalingv2.MetricTarget{Type: target.Type}
	}
	text, _ := json.Marshal(of) // of plain values
	return string(text)
}

// targetKeys are the keys of what a metric aims at. The values may be left out: user code can do without them.
func targetKeys(types ...autoscalingv2.MetricTargetType) []rule.Key {
	return []rule.Key{
		{Name: "target.type", Meaning: "what the metric is compared with", Rule: rule.OneOf(types...)},
		{Name: "target.averageUtilization", Meaning: "a percentage of the requests; may be left out", Rule: rule.MoreThanZero()},
		{Name: "target.averageValue", Meaning: "an amount for each pod; may be left out", Rule: rule.MoreThanZero()},
		{Name: "target.value", Meaning: "an amount; may be left out", Rule: rule.MoreThanZero()},
	}
}
