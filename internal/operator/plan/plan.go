// Package plan decides what has to be done for a CustomPodAutoscaler. What is desired and what exists come in; the changes to
// make, the conditions and their reasons come out. It also decides whether the object may use the Roles, accounts and labels that
// it asks for, whether its autoscaler has to stop, and whether its target is held. It calls nothing: package reconcile reads
// what exists, and carries the plan out.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// applied is the annotation with the sum of what was last applied: what is gone since is seen by nothing else.
const applied = "v1.custompodautoscaler.com/applied"

// Plan is what has to be done for an object, in this order.
type Plan struct {
	Delete []*unstructured.Unstructured // some may be going already
	Await  []*unstructured.Unstructured // somebody else deletes them
	Apply  []*unstructured.Unstructured // once all of those are gone
}

// ConflictError is something of another's that has the name of what has to be there. It is never taken over.
type ConflictError struct{ Kind, Name string }

// provisions are the fields that say whether a kind is made.
var provisions = map[string]string{
	"ServiceAccount": "provisionServiceAccount", "Role": "provisionRole", "RoleBinding": "provisionRoleBinding", "Deployment": "provisionPod",
}

func (e ConflictError) Error() string {
	rename := "rename the object"
	if e.Kind == "Deployment" {
		rename = "name the autoscaler's otherwise by spec.template.metadata.name"
	}
	consent := ""
	if e.Kind == accounts.Kind || e.Kind == roles.Kind {
		consent = ", and name the object in its annotation " + cpav1.AllowedObjects
	}
	return fmt.Sprintf("there is a %s %q already that was not made for this object: delete it, %s, or use it as it is with spec.%s: false%s",
		e.Kind, e.Name, rename, provisions[e.Kind], consent)
}

// For compares what has to be there with what is: everything of the same names, and everything that the object owns. Of
// what is not wanted any more only workloads are deleted, since two autoscalers of one target would argue: a Deployment by
// another name, and the bare pod of the operator before us. A Role or an account that nobody provisions any more is left to
// who takes it over.
func For(object *cpav1.CustomPodAutoscaler, desired, there []*unstructured.Unstructured) (Plan, error) {
	var plan Plan
	for _, want := range desired {
		sign(want)
		live := Find(there, want)
		switch {
		case live != nil && leftBehind(object, live):
			plan.Await = append(plan.Await, live)
		case live != nil && !isMadeFor(object, live) && !IsApplied(object, live):
			return Plan{}, ConflictError{want.GetKind(), want.GetName()}
		case live == nil || !holds(live.Object, want.Object):
			plan.Apply = append(plan.Apply, want)
		}
	}
	for _, live := range there {
		if isWorkload(live) && owned(object, live) && Find(desired, live) == nil {
			plan.Delete = append(plan.Delete, live)
		}
	}
	return plan, nil
}

func isWorkload(one *unstructured.Unstructured) bool {
	return one.GetKind() == "Deployment" || one.GetKind() == "Pod"
}

// sign notes the sum of an object on it.
func sign(object *unstructured.Unstructured) {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return // it cannot be applied either, which says why
	}
	sum := sha256.Sum256(text)
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[applied] = hex.EncodeToString(sum[:8])
	object.SetAnnotations(annotations)
}

// Find is the object among others that has the kind and the name of another, nil if there is none.
func Find(among []*unstructured.Unstructured, like *unstructured.Unstructured) *unstructured.Unstructured {
	for _, one := range among {
		if one.GroupVersionKind() == like.GroupVersionKind() && one.GetName() == like.GetName() {
			return one
		}
	}
	return nil
}

// owned tells what was made for the object, by us or by the operator before us: one of the same name that was deleted since
// is another.
func owned(object *cpav1.CustomPodAutoscaler, live *unstructured.Unstructured) bool {
	for _, owner := range live.GetOwnerReferences() {
		if owner.UID == object.UID && owner.Controller != nil && *owner.Controller {
			return true
		}
	}
	return false
}

// leftBehind tells what was made for an object of the same name that was deleted since: the garbage collector takes it.
func leftBehind(object *cpav1.CustomPodAutoscaler, live *unstructured.Unstructured) bool {
	owner := metav1.GetControllerOf(live)
	return owner != nil && owner.Kind == cpav1.Kind && owner.Name == object.Name && owner.UID != object.UID
}
