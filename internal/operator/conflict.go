package operator

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/target"
)

// scaled is what is scaled, as it is compared: by its group, its kind in any case, and its name.
type scaled struct{ namespace, group, kind, name string }

func scaledBy(namespace, apiVersion, kind, name string) scaled {
	group := schema.FromAPIVersionAndKind(apiVersion, kind).Group
	return scaled{namespace, group, strings.ToLower(kind), name}
}

func scaledByObject(object *cpav1.CustomPodAutoscaler) scaled {
	ref := object.Spec.ScaleTargetRef
	return scaledBy(object.Namespace, ref.APIVersion, ref.Kind, ref.Name)
}

// index is the target as the cache finds objects by it, within a namespace.
func (s scaled) index() string { return s.group + "/" + s.kind + "/" + s.name }

// byTarget is the name of that index.
const byTarget = "spec.scaleTargetRef"

func targetIndex(object client.Object) []string {
	return []string{scaledByObject(object.(*cpav1.CustomPodAutoscaler)).index()}
}

// conflict names what else writes the scale of the object's target, so that the object's autoscaler must not run; it is empty if
// nothing does:
//
//	another object            the older one runs: by its creation, and where that is the same by its uid
//	a HorizontalPodAutoscaler,
//	a ScaledObject of KEDA    it goes first, since it knows nothing of us
//
// An object that has the annotation counts for nothing here: whoever has set it knows why.
func (r *Reconciler) conflict(ctx context.Context, object *cpav1.CustomPodAutoscaler) (string, error) {
	if ignoresConflicts(object) {
		return "", nil
	}
	its := scaledByObject(object)
	if other := r.Others.of(ctx, its); other != "" {
		return other, nil
	}
	var list cpav1.CustomPodAutoscalerList
	if err := r.Client.List(ctx, &list, client.InNamespace(object.Namespace), client.MatchingFields{byTarget: its.index()}); err != nil {
		return "", fmt.Errorf("looking for other objects with the same target: %w", err)
	}
	for i := range list.Items {
		if other := &list.Items[i]; other.UID != object.UID && !ignoresConflicts(other) && older(other, object) {
			return fmt.Sprintf("CustomPodAutoscaler %q, which is older", other.Name), nil
		}
	}
	return "", nil
}

// siblingsOf are the other objects with the same target: what becomes of one may let another run, or stop it.
func siblingsOf(ctx context.Context, objects client.Reader, object *cpav1.CustomPodAutoscaler) (all []reconcile.Request) {
	var list cpav1.CustomPodAutoscalerList
	if objects.List(ctx, &list, client.InNamespace(object.Namespace), client.MatchingFields{byTarget: scaledByObject(object).index()}) != nil {
		return nil // they are looked at again in any case, if not as soon
	}
	for i := range list.Items {
		if key := client.ObjectKeyFromObject(&list.Items[i]); key.Name != object.Name {
			all = append(all, reconcile.Request{NamespacedName: key})
		}
	}
	return all
}

func ignoresConflicts(object *cpav1.CustomPodAutoscaler) bool {
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

// conflictState is how it goes with such an object. Its target is not held either: the other scales it.
func conflictState(object *cpav1.CustomPodAutoscaler, held hold, other string) state {
	now := state{ready: conflicting(object, other), paused: held.not, after: again}
	if held.paused {
		now.paused = no("Conflict", "the target is not held: it is scaled by "+other)
	}
	return now
}

// checkNotOurs refuses a target that the operator manages: the Deployment of an autoscaler, which has one replica or none.
func (r *Reconciler) checkNotOurs(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind target.Kind) error {
	if kind.GroupResource() != desired.Deployments {
		return nil
	}
	deployment := ofKind(workloads[0])
	key := client.ObjectKey{Namespace: object.Namespace, Name: object.Spec.ScaleTargetRef.Name}
	if err := r.Client.Get(ctx, key, deployment); err != nil {
		return client.IgnoreNotFound(err) // the cache has only what is ours
	}
	if owner := ownerOf(deployment); owner != "" {
		return troubleError{"InvalidTarget", fmt.Errorf("the Deployment %q is the autoscaler of CustomPodAutoscaler %q, and cannot be a target (spec.scaleTargetRef)", key.Name, owner)}
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
