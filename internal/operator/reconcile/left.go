package reconcile

import (
	"context"
	"fmt"
	"sync"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// heldAtZero remembers the objects whose targets are held at no replicas. Nothing wakes such a target when its object is deleted.
type heldAtZero struct {
	mutex   sync.Mutex
	targets map[types.NamespacedName]heldTarget
}

// heldTarget is the target of an object that may be gone.
type heldTarget struct {
	object *cpav1.CustomPodAutoscaler
	kind   workload.Kind
}

func (h *heldAtZero) note(object *cpav1.CustomPodAutoscaler, kind workload.Kind, replicas int32) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	key := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
	if replicas > 0 {
		delete(h.targets, key)
		return
	}
	if h.targets == nil {
		h.targets = map[types.NamespacedName]heldTarget{}
	}
	h.targets[key] = heldTarget{object, kind}
}

// take gives what is remembered of an object, and forgets it.
func (h *heldAtZero) take(key types.NamespacedName) (held heldTarget, ok bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	held, ok = h.targets[key]
	delete(h.targets, key)
	return held, ok
}

// tellLeft warns of a target that stays at no replicas since its object was deleted while it was paused.
func (r *Reconciler) tellLeft(ctx context.Context, key types.NamespacedName) {
	held, ok := r.atZero.take(key)
	if !ok {
		return
	}
	scale := &autoscalingv1.Scale{}
	if err := r.API.Get(ctx, scaleOf(held.object, held.kind), scale); err != nil || scale.Spec.Replicas != 0 {
		return // it is gone, or somebody has scaled it
	}
	ref := held.object.Spec.ScaleTargetRef
	message := fmt.Sprintf("CustomPodAutoscaler %q was deleted while it was paused, so that %s %q stays at 0 replicas: scale it yourself (kubectl scale)", key.Name, held.kind.Name, ref.Name)
	r.Log.Warn("a target was left at no replicas", "namespace", key.Namespace, "name", key.Name, "message", message)
	r.Event(corev1.ObjectReference{
		APIVersion: held.kind.Version.String(), Kind: held.kind.Name, Namespace: key.Namespace, Name: ref.Name, UID: scale.UID,
	}, corev1.EventTypeWarning, "TargetLeftAtZero", message)
	r.event(held.object, corev1.EventTypeWarning, "TargetLeftAtZero", message)
}
