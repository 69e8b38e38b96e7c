package plan

import (
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// Disowning is the patch that removes the owner reference that operator 1.4 has put on what is not provisioned: with it, the
// garbage collector would delete that together with the object. What was made for the object, when it was provisioned, keeps
// it. The patch is nil if there is nothing to remove.
func Disowning(object *cpav1.CustomPodAutoscaler, live *unstructured.Unstructured) ([]byte, error) {
	if isMadeFor(object, live) || IsApplied(object, live) {
		return nil, nil
	}
	owners := live.GetOwnerReferences()
	others := slices.DeleteFunc(slices.Clone(owners), func(owner metav1.OwnerReference) bool { return owner.UID == object.UID })
	if len(others) == len(owners) {
		return nil, nil
	}
	return json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": live.GetResourceVersion(), "ownerReferences": others,
	}})
}

// Withdrawal is the patch that removes a RoleBinding. The operator has no right to delete one, which would be a right to delete
// any: the patch makes it one of an object that does not exist, and the garbage collector deletes it. That needs none of the
// rights that the Role has by now, either.
func Withdrawal(object *cpav1.CustomPodAutoscaler, binding *unstructured.Unstructured) ([]byte, error) {
	nobody := *metav1.NewControllerRef(object, cpav1.GroupVersion.WithKind(cpav1.Kind))
	nobody.UID = "withdrawn-from-" + object.UID
	return json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": binding.GetUID(), "ownerReferences": []metav1.OwnerReference{nobody},
	}})
}
