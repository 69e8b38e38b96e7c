package plan

import (
	"cmp"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// Scaled is what is scaled, as it is compared: by its group, its kind in any case, and its name.
type Scaled struct {
	Namespace         string
	group, kind, name string
}

// ScaledBy is what a reference in an object of the namespace names.
func ScaledBy(namespace, apiVersion, kind, name string) Scaled {
	group := schema.FromAPIVersionAndKind(apiVersion, kind).Group
	return Scaled{namespace, group, strings.ToLower(kind), name}
}

// ScaledByObject is the target of an object.
func ScaledByObject(object *cpav1.CustomPodAutoscaler) Scaled {
	ref := object.Spec.ScaleTargetRef
	return ScaledBy(object.Namespace, ref.APIVersion, ref.Kind, ref.Name)
}

// Index is the target as the cache finds objects by it, within a namespace.
func (s Scaled) Index() string { return s.group + "/" + s.kind + "/" + s.name }

// ByTarget is the name of that index.
const ByTarget = "spec.scaleTargetRef"

// OlderRival names an older object of those with the same target, which runs instead of the object, or nothing.
func OlderRival(object *cpav1.CustomPodAutoscaler, same []cpav1.CustomPodAutoscaler) string {
	for i := range same {
		if other := &same[i]; other.UID != object.UID && !IgnoresConflicts(other) && older(other, object) {
			return fmt.Sprintf("CustomPodAutoscaler %q, which is older", other.Name)
		}
	}
	return ""
}

// IgnoresConflicts tells whether the object has the annotation that lets its autoscaler run beside others.
func IgnoresConflicts(object *cpav1.CustomPodAutoscaler) bool {
	return object.Annotations[cpav1.IgnoreConflicts] == "true"
}

func older(one, than *cpav1.CustomPodAutoscaler) bool {
	return cmp.Or(one.CreationTimestamp.Compare(than.CreationTimestamp.Time), cmp.Compare(one.UID, than.UID)) < 0
}

// conflicting is the condition of an object whose autoscaler does not run for a conflict.
func conflicting(object *cpav1.CustomPodAutoscaler, other string) metav1.Condition {
	ref := object.Spec.ScaleTargetRef
	message := fmt.Sprintf("%s %q is scaled by %s, as well: two that scale one target undo what the other does. The autoscaler is stopped, and goes on when the other is gone", ref.Kind, ref.Name, other)
	if !provisionsPod(object) {
		message = fmt.Sprintf("%s %q is scaled by %s, as well: stop one of the two yourself (spec.provisionPod is false)", ref.Kind, ref.Name, other)
	}
	return no("Conflict", message+"; the annotation "+cpav1.IgnoreConflicts+": \"true\" lets both run")
}

// Conflicting is the outcome for such an object. Its target is not held either: the other scales it.
func Conflicting(object *cpav1.CustomPodAutoscaler, held Hold, other string) Outcome {
	now := Outcome{Ready: conflicting(object, other), Paused: held.not, After: Again}
	if held.Paused {
		now.Paused = no("Conflict", "the target is not held: it is scaled by "+other)
	}
	return now
}

// CheckNotOurs refuses a target that the operator manages: the Deployment of an autoscaler, which has one replica or none.
func CheckNotOurs(deployment *unstructured.Unstructured) error {
	if owner := ownerOf(deployment); owner != "" {
		return Trouble("InvalidTarget", fmt.Errorf("the Deployment %q is the autoscaler of CustomPodAutoscaler %q, and cannot be a target (spec.scaleTargetRef)", deployment.GetName(), owner))
	}
	return nil
}

// ownerOf is the object that a workload was made for, if it was.
func ownerOf(workload *unstructured.Unstructured) string {
	owner := metav1.GetControllerOf(workload)
	if owner == nil || owner.Kind != cpav1.Kind || schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).Group != cpav1.GroupVersion.Group {
		return ""
	}
	return owner.Name
}
