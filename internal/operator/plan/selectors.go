package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
)

// podTemplateHash is the label that a Deployment's controller sets on its pods. Its value is not known before.
const podTemplateHash = "pod-template-hash"

// Claim is a selector of pods: of a Service, of a workload, or of the target by its scale.
type Claim struct {
	kind, name string
	selector   labels.Selector
	allowed    []string // the objects that its annotation names; not for a target
	isTarget   bool
}

// LabelsError is a claim that a template's labels put the autoscaler's pod under. The pod would be sent another's requests, or
// be counted as another's.
type LabelsError struct {
	Kind, Name, Selector string
	Labels               []string // of the template, that the selector is about
	command              string
}

func (e LabelsError) Error() string {
	way := "remove or rename them in the template"
	if e.command != "" {
		way += ", or allow it: " + e.command
	}
	return fmt.Sprintf("spec.template.metadata.labels (%s) put the autoscaler's pod behind the selector of %s %q (%s): %s",
		strings.Join(e.Labels, ", "), e.Kind, e.Name, e.Selector, way)
}

// TemplateLabels are the labels of the pod that the template adds to the operator's own.
func TemplateLabels(object *cpav1.CustomPodAutoscaler, deployment *unstructured.Unstructured) map[string]string {
	all, _, _ := unstructured.NestedStringMap(deployment.Object, "spec", "template", "metadata", "labels")
	added, ours := maps.Clone(all), desired.Labels(object)
	maps.DeleteFunc(added, func(key, _ string) bool { return ours[key] != nil })
	return added
}

// CheckLabels tells whether the labels that a template adds put the pod under the claim. They do not where
//
//   - the selector selects the pod without them, too: that is not the template's doing
//   - the selector asks for the label v1.custompodautoscaler.com/owned-by with the object's name: it is made for this pod
//   - the claim's annotation names the object
func CheckLabels(object *cpav1.CustomPodAutoscaler, added map[string]string, by Claim) error {
	ours := labels.Set{}
	for key, value := range desired.Labels(object) {
		ours[key] = value.(string)
	}
	selector := withoutHash(by.selector)
	if !selector.Matches(labels.Merge(added, ours)) || selector.Matches(ours) {
		return nil
	}
	if namesObject(selector, object.Name) || slices.Contains(by.allowed, object.Name) {
		return nil
	}
	err := LabelsError{Kind: by.kind, Name: by.name, Selector: by.selector.String()}
	requirements, _ := selector.Requirements()
	for _, key := range slices.Sorted(maps.Keys(added)) {
		if slices.ContainsFunc(requirements, func(one labels.Requirement) bool { return one.Key() == key }) {
			err.Labels = append(err.Labels, key+": "+added[key])
		}
	}
	if !by.isTarget {
		err.command = allowCommand(object.Namespace, strings.ToLower(by.kind)+"/"+by.name, by.allowed, object.Name)
	}
	return err
}

// withoutHash leaves out what a selector says of the hash, which takes it for matching.
func withoutHash(selector labels.Selector) labels.Selector {
	requirements, selectable := selector.Requirements()
	if !selectable {
		return selector // it selects nothing
	}
	rest := labels.NewSelector()
	for _, one := range requirements {
		if one.Key() != podTemplateHash {
			rest = rest.Add(one)
		}
	}
	return rest
}

func namesObject(selector labels.Selector, name string) bool {
	requirements, _ := selector.Requirements()
	return slices.ContainsFunc(requirements, func(one labels.Requirement) bool {
		positive := one.Operator() == selection.Equals || one.Operator() == selection.DoubleEquals || one.Operator() == selection.In
		return one.Key() == cpav1.OwnedBy && positive && one.Values().Has(name)
	})
}

// ClaimOf is the selector of a Service or a workload, as Kubernetes reads it: Services and ReplicationControllers have a map, of
// which an empty one selects nothing; others have a label selector, of which an empty one selects all pods. One that cannot be
// read selects nothing for its controller, either.
func ClaimOf(live *unstructured.Unstructured) Claim {
	by := Claim{kind: live.GetKind(), name: live.GetName(), selector: labels.Nothing(), allowed: allowedBy(live)}
	written, found, _ := unstructured.NestedMap(live.Object, "spec", "selector")
	if !found {
		return by
	}
	if by.kind == "Service" || by.kind == "ReplicationController" {
		if set, _, err := unstructured.NestedStringMap(live.Object, "spec", "selector"); err == nil && len(set) > 0 {
			by.selector = labels.SelectorFromSet(set)
		}
		return by
	}
	selector := &metav1.LabelSelector{}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(written, selector) == nil {
		if read, err := metav1.LabelSelectorAsSelector(selector); err == nil {
			by.selector = read
		}
	}
	return by
}

// ClaimOfTarget is the selector that the scale of an object's target tells. A target without one has no pods.
func ClaimOfTarget(object *cpav1.CustomPodAutoscaler, scale *autoscalingv1.Scale) Claim {
	ref := object.Spec.ScaleTargetRef
	by := Claim{kind: ref.Kind, name: ref.Name, selector: labels.Nothing(), isTarget: true}
	if selector, err := labels.Parse(scale.Status.Selector); err == nil && scale.Status.Selector != "" {
		by.selector = selector
	}
	return by
}
