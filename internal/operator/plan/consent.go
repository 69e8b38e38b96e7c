package plan

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
)

// Reference names a Role or a ServiceAccount of the object's namespace that a RoleBinding or a Deployment uses.
type Reference struct {
	Kind schema.GroupVersionKind
	Name string
}

// usedBy are the references of a RoleBinding or a Deployment; other kinds have none.
func usedBy(one *unstructured.Unstructured) (all []Reference) {
	switch one.GetKind() {
	case RoleBindings.Kind:
		if name, _, _ := unstructured.NestedString(one.Object, "roleRef", "name"); name != "" {
			all = append(all, Reference{roles, name})
		}
		subjects, _, _ := unstructured.NestedSlice(one.Object, "subjects")
		for _, subject := range subjects {
			if account, _ := subject.(map[string]any); account["kind"] == accounts.Kind {
				all = append(all, Reference{accounts, desired.NameOf(account)})
			}
		}
	case "Deployment":
		name, _, _ := unstructured.NestedString(one.Object, "spec", "template", "spec", "serviceAccountName")
		all = append(all, Reference{accounts, name})
	}
	return all
}

// References are those of the desired objects and of a binding, which may be nil.
func References(desired []*unstructured.Unstructured, bound *unstructured.Unstructured) (all []Reference) {
	for _, want := range desired {
		all = append(all, usedBy(want)...)
	}
	if bound != nil {
		all = append(all, usedBy(bound)...)
	}
	return all
}

// AsObject is an object without content that Find compares with others.
func (to Reference) AsObject() *unstructured.Unstructured {
	one := OfKind(to.Kind)
	one.SetName(to.Name)
	return one
}

// Verdict is what follows for an object from what it uses.
type Verdict struct {
	Refusal  error // the first thing that it may not use
	Borrows  bool  // it uses something that the operator does not provision for it
	TakeBack bool  // the binding that it has gives it something that it may not use
}

// Judge compares what the object uses with what is there:
//
//	provisioned   is For's to check, for what is desired
//	for others    may be used if it was made for the object, or names the object
//
// A binding that is there is taken back if it would stay and what it binds may not be used. It stays where nothing is applied,
// because of a conflict or a refusal, and where the object does not ask for a binding any more.
func Judge(object *cpav1.CustomPodAutoscaler, desired []*unstructured.Unstructured, bound *unstructured.Unstructured,
	live map[Reference]*unstructured.Unstructured, conflict bool,
) Verdict {
	var now Verdict
	for _, to := range References(desired, nil) {
		if Find(desired, to.AsObject()) != nil {
			continue
		}
		now.Borrows = true
		if now.Refusal == nil {
			now.Refusal = checkConsent(object, to, live[to])
		}
	}
	if bound == nil {
		return now
	}
	stays := conflict || now.Refusal != nil || Find(desired, bound) == nil
	for _, to := range References(nil, bound) {
		provisioned := Find(desired, to.AsObject()) != nil
		if provisioned && (live[to] == nil || owned(object, live[to]) || leftBehind(object, live[to])) {
			continue
		}
		now.Borrows = now.Borrows || !provisioned
		now.TakeBack = now.TakeBack || stays && checkConsent(object, to, live[to]) != nil
	}
	return now
}

// NotAllowedError is a Role or a ServiceAccount that the object uses although it was not made for it and does not name it in
// its annotation. Using it would give the object rights that its author may not have.
type NotAllowedError struct {
	Kind, Name        string
	Namespace, Object string
	Missing           bool     // there is no such thing
	Allowed           []string // the objects that its annotation names
}

func (e NotAllowedError) Error() string {
	field := "spec." + provisions[e.Kind]
	if e.Missing {
		return fmt.Sprintf("there is no %s %q, and the operator does not create it (%s: false): create it and allow this object to use it%s, or set %s: true",
			e.Kind, e.Name, field, e.command(), field)
	}
	return fmt.Sprintf("the %s %q was not made for this object, and its annotation %s does not name the object (%s: false): "+
		"allow this object to use it%s, or set %s: true and let the operator create one named %q",
		e.Kind, e.Name, cpav1.AllowedObjects, field, e.command(), field, e.Object)
}

// command sets the annotation. A name that the API server would refuse is not put into a command for a shell.
func (e NotAllowedError) command() string {
	if len(validation.IsDNS1123Subdomain(e.Name)) > 0 {
		return ""
	}
	return ": " + allowCommand(e.Namespace, strings.ToLower(e.Kind)+"/"+e.Name, e.Allowed, e.Object)
}

// allowCommand adds an object to those that the annotation of something names already.
func allowCommand(namespace, what string, allowed []string, object string) string {
	names := strings.Join(append(slices.Clone(allowed), object), ",")
	return fmt.Sprintf("kubectl annotate --overwrite -n %s %s %s=%s", namespace, what, cpav1.AllowedObjects, names)
}

// checkConsent tells whether the object may use what the reference names: live, which is nil if there is no such thing. It may
// if that was made for the object, or names the object in its annotation.
func checkConsent(object *cpav1.CustomPodAutoscaler, to Reference, live *unstructured.Unstructured) error {
	refusal := NotAllowedError{Kind: to.Kind.Kind, Name: to.Name, Namespace: object.Namespace, Object: object.Name, Missing: live == nil}
	if live == nil {
		return refusal
	}
	refusal.Allowed = allowedBy(live)
	if isMadeFor(object, live) || slices.Contains(refusal.Allowed, object.Name) {
		return nil
	}
	return refusal
}

// allowedBy are the objects that the annotation names. A list of names has no wildcard; what is not a name is left out.
func allowedBy(live *unstructured.Unstructured) (names []string) {
	for name := range strings.SplitSeq(live.GetAnnotations()[cpav1.AllowedObjects], ",") {
		name = strings.TrimSpace(name)
		if len(validation.IsDNS1123Subdomain(name)) == 0 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// isMadeFor tells what the operator has made for the object. An owner reference alone does not prove it: operator 1.4 put its
// own on what it did not provision. The author of an object can write neither.
func isMadeFor(object *cpav1.CustomPodAutoscaler, live *unstructured.Unstructured) bool {
	labels := live.GetLabels()
	return owned(object, live) && labels[cpav1.ManagedBy] == cpav1.Operator && labels[cpav1.OwnedBy] == object.Name
}

// IsApplied tells what this operator has written for the object. What operator 1.4 has made is not: it has no sum.
func IsApplied(object *cpav1.CustomPodAutoscaler, live *unstructured.Unstructured) bool {
	return owned(object, live) && live.GetAnnotations()[applied] != ""
}
