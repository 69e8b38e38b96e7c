// Package metrics knows the types that a Kubernetes metric can have. It is the one place with a case for each of them: others ask it
// what a spec aims at, and read a document as a Reading.
package metrics

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Reading is a gathered metric, whatever its type: what it aims at, and a value for each pod, or one that is of no pod.
type Reading struct {
	Name   string // as a HorizontalPodAutoscaler calls it: cpu resource
	Target autoscalingv2.MetricTarget
	Pods   *Pods
	Value  *userlogic.SingleMetric
}

// Pods are the values of pods, in thousandths.
type Pods struct {
	Ready            map[string]userlogic.PodMetric
	Ignored, Missing userlogic.PodSet
	Requests         map[string]int64 // nil where they were not asked for
}

// kind is one type of spec.
type kind struct {
	of       autoscalingv2.MetricSourceType
	block    string // the key of its settings
	target   func(*autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget
	describe func(autoscalingv2.MetricSpec) string
	name     func(autoscalingv2.MetricSpec) string
	read     func(userlogic.KubernetesMetric, *Reading) // sets Pods or Value, where the document has them
	own      func(metric *userlogic.KubernetesMetric, pod string)
}

// kinds are all there are. The functions are only called for a spec that has its settings.
var kinds = []kind{
	{
		autoscalingv2.ResourceMetricSourceType, "resource",
		func(s *autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget {
			if s.Resource == nil {
				return nil
			}
			return &s.Resource.Target
		},
		func(s autoscalingv2.MetricSpec) string { return string(s.Resource.Name) },
		func(s autoscalingv2.MetricSpec) string {
			return string(s.Resource.Name) + " resource" + ofRequests(s.Resource.Target)
		},
		func(m userlogic.KubernetesMetric, r *Reading) { r.Pods = ofResource(m.Resource) },
		func(m *userlogic.KubernetesMetric, pod string) { m.Resource = ownOfResource(m.Resource, pod) },
	},
	{
		autoscalingv2.ContainerResourceMetricSourceType, "containerResource",
		func(s *autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget {
			if s.ContainerResource == nil {
				return nil
			}
			return &s.ContainerResource.Target
		},
		func(s autoscalingv2.MetricSpec) string {
			return fmt.Sprintf("%s of container %q", s.ContainerResource.Name, s.ContainerResource.Container)
		},
		func(s autoscalingv2.MetricSpec) string {
			return string(s.ContainerResource.Name) + " container resource" + ofRequests(s.ContainerResource.Target)
		},
		func(m userlogic.KubernetesMetric, r *Reading) { r.Pods = ofResource(m.ContainerResource) },
		func(m *userlogic.KubernetesMetric, pod string) {
			m.ContainerResource = ownOfResource(m.ContainerResource, pod)
		},
	},
	{
		autoscalingv2.PodsMetricSourceType, "pods",
		func(s *autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget {
			if s.Pods == nil {
				return nil
			}
			return &s.Pods.Target
		},
		func(s autoscalingv2.MetricSpec) string { return s.Pods.Metric.Name },
		func(s autoscalingv2.MetricSpec) string { return "pods metric " + s.Pods.Metric.Name },
		func(m userlogic.KubernetesMetric, r *Reading) {
			if m.Pods != nil {
				r.Pods = &Pods{Ready: m.Pods.PodMetricsInfo, Ignored: m.Pods.IgnoredPods, Missing: m.Pods.MissingPods}
			}
		},
		ownOfPods,
	},
	{
		autoscalingv2.ObjectMetricSourceType, "object",
		func(s *autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget {
			if s.Object == nil {
				return nil
			}
			return &s.Object.Target
		},
		func(s autoscalingv2.MetricSpec) string {
			return fmt.Sprintf("%s of %s %q", s.Object.Metric.Name, s.Object.DescribedObject.Kind, s.Object.DescribedObject.Name)
		},
		func(s autoscalingv2.MetricSpec) string {
			return fmt.Sprintf("%s metric %s", s.Object.DescribedObject.Kind, s.Object.Metric.Name)
		},
		func(m userlogic.KubernetesMetric, r *Reading) { r.Value = m.Object },
		func(*userlogic.KubernetesMetric, string) {},
	},
	{
		autoscalingv2.ExternalMetricSourceType, "external",
		func(s *autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget {
			if s.External == nil {
				return nil
			}
			return &s.External.Target
		},
		func(s autoscalingv2.MetricSpec) string { return s.External.Metric.Name },
		func(s autoscalingv2.MetricSpec) string { return "external metric " + s.External.Metric.Name },
		func(m userlogic.KubernetesMetric, r *Reading) { r.Value = m.External },
		func(*userlogic.KubernetesMetric, string) {},
	},
}

func kindOf(spec *autoscalingv2.MetricSpec) (kind, bool) {
	for _, k := range kinds {
		if k.of == spec.Type && k.target(spec) != nil {
			return k, true
		}
	}
	return kind{}, false
}

// Target is what a spec aims at, in the spec itself, and the key of the settings that it is in. It is nil where the spec has no
// settings of its type.
func Target(spec *autoscalingv2.MetricSpec) (block string, target *autoscalingv2.MetricTarget) {
	k, known := kindOf(spec)
	if !known {
		return "", nil
	}
	return k.block, k.target(spec)
}

// Describe is a spec's short name: Resource cpu.
func Describe(spec autoscalingv2.MetricSpec) string {
	k, known := kindOf(&spec)
	if !known {
		return string(spec.Type)
	}
	return fmt.Sprintf("%s %s", spec.Type, k.describe(spec))
}

// Read reads a document, as user code is given it and as it is recorded.
func Read(document userlogic.KubernetesMetric) (Reading, error) {
	var r Reading
	k, known := kindOf(&document.Spec)
	if known {
		r.Name, r.Target = k.name(document.Spec), *k.target(&document.Spec)
		k.read(document, &r)
	}
	if r.Pods == nil && r.Value == nil {
		return Reading{}, fmt.Errorf("a metric of the type %q lacks its spec or its values", document.Spec.Type)
	}
	return r, nil
}

// Own is a document with what is known of one pod: its value, what it requests, whether it is ignored or missing. The counts are still
// those of all pods. The document that is given stays as it is.
func Own(document userlogic.KubernetesMetric, pod string) userlogic.KubernetesMetric {
	for _, k := range kinds {
		k.own(&document, pod)
	}
	return document
}

func ofRequests(target autoscalingv2.MetricTarget) string {
	if target.Type == autoscalingv2.UtilizationMetricType {
		return " utilization (percentage of request)"
	}
	return ""
}

func ofResource(used *userlogic.ResourceMetrics) *Pods {
	if used == nil {
		return nil
	}
	return &Pods{used.PodMetricsInfo, used.IgnoredPods, used.MissingPods, used.Requests}
}

func ownOfResource(all *userlogic.ResourceMetrics, pod string) *userlogic.ResourceMetrics {
	if all == nil {
		return nil
	}
	own := *all
	own.PodMetricsInfo, own.Requests = only(own.PodMetricsInfo, pod), only(own.Requests, pod)
	own.IgnoredPods, own.MissingPods = only(own.IgnoredPods, pod), only(own.MissingPods, pod)
	return &own
}

func ownOfPods(metric *userlogic.KubernetesMetric, pod string) {
	if metric.Pods == nil {
		return
	}
	own := *metric.Pods
	own.PodMetricsInfo, own.IgnoredPods, own.MissingPods = only(own.PodMetricsInfo, pod), only(own.IgnoredPods, pod), only(own.MissingPods, pod)
	metric.Pods = &own
}

// only is a map with one of its entries, if it has that. Null stays null.
func only[M ~map[string]V, V any](all M, name string) M {
	if all == nil {
		return nil
	}
	own := M{}
	if value, there := all[name]; there {
		own[name] = value
	}
	return own
}
