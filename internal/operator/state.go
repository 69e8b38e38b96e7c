package operator

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/target"
)

// workloads are the kinds that an autoscaler runs in, or ran in.
var workloads = []schema.GroupVersionKind{
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Version: "v1", Kind: "Pod"},
}

// troubleError is one that somebody has to do something about; the reason is the condition's.
type troubleError struct {
	reason string
	error
}

func (t troubleError) Unwrap() error { return t.error }

// state is how it goes with an object.
type state struct {
	held   *int32 // how many replicas the target is held at, if it is
	ready  metav1.Condition
	paused metav1.Condition
	after  time.Duration // when to look again, unless something happens before
}

func no(reason, message string) metav1.Condition {
	return metav1.Condition{Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

func yes(reason, message string) metav1.Condition {
	return metav1.Condition{Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

// settle tells what came of it, by the workload as it is now; nil if there is none yet.
func (r *Reconciler) settle(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind target.Kind, held hold, workload *unstructured.Unstructured) (state, error) {
	now := state{ready: readiness(object, workload), paused: held.not}
	if !held.paused {
		r.atZero.take(client.ObjectKeyFromObject(object))
		return now, nil
	}
	now.after = again
	message := cpav1.HeldAt(held.replicas, held.until)
	if provisionsPod(object) {
		now.ready = no("Paused", "the autoscaler is stopped")
	} else {
		message += "; stop its autoscaler yourself (spec.provisionPod is false)"
	}
	if running(workload) {
		now.paused, now.after = no("Pausing", "waiting for the end of the autoscaler"), soon
		return now, nil
	}
	if err := r.holdTarget(ctx, object, kind, held.replicas); err != nil {
		return now, err
	}
	r.atZero.note(object, kind, held.replicas)
	now.held = &held.replicas
	now.paused = yes("Paused", message)
	return now, nil
}

// readiness is what the Deployment says of itself: why it cannot make its pod, or else whether that is available.
func readiness(object *cpav1.CustomPodAutoscaler, workload *unstructured.Unstructured) metav1.Condition {
	if !provisionsPod(object) {
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: "NotProvisioned", Message: "spec.provisionPod is false: what runs is somebody else's"}
	}
	if failure := conditionOf(workload, "ReplicaFailure"); failure["status"] == "True" {
		return no("FailedCreate", fmt.Sprint(failure["message"]))
	}
	before := meta.FindStatusCondition(object.Status.Conditions, cpav1.Ready)
	if isPending(workload) && before != nil && before.Status == metav1.ConditionTrue && before.ObservedGeneration == object.Generation {
		return *before // what is pending may be no more than an annotation of somebody else's
	}
	if available := conditionOf(workload, "Available"); available["status"] == "True" && !isPending(workload) && isUpdated(workload) {
		return yes("MinimumReplicasAvailable", "the autoscaler's pod is ready")
	}
	return no("MinimumReplicasUnavailable", fmt.Sprintf("the autoscaler's pod is not ready: kubectl describe pods -n %s -l %s=%s",
		object.Namespace, cpav1.OwnedBy, object.Name))
}

// isPending tells whether what the workload says of itself is of before it was changed.
func isPending(workload *unstructured.Unstructured) bool {
	if workload == nil {
		return false
	}
	seen, _, _ := unstructured.NestedInt64(workload.Object, "status", "observedGeneration") // none is 0
	return seen < workload.GetGeneration()
}

// isUpdated tells whether the workload has a pod of what was asked for last.
func isUpdated(workload *unstructured.Unstructured) bool {
	updated, _, _ := unstructured.NestedInt64(workload.Object, "status", "updatedReplicas") // none is 0
	return updated > 0
}

func provisionsPod(object *cpav1.CustomPodAutoscaler) bool {
	return object.Spec.ProvisionPod == nil || *object.Spec.ProvisionPod
}

// conditionOf is a workload's own condition, nil if it has none of the type, or is not there yet.
func conditionOf(workload *unstructured.Unstructured, name string) map[string]any {
	if workload == nil {
		return nil
	}
	conditions, _, _ := unstructured.NestedSlice(workload.Object, "status", "conditions")
	for _, one := range conditions {
		if condition, _ := one.(map[string]any); condition["type"] == name {
			return condition
		}
	}
	return nil
}

// running tells whether a workload has pods, or may still make some.
func running(workload *unstructured.Unstructured) bool {
	if workload == nil {
		return false
	}
	pods, _, _ := unstructured.NestedInt64(workload.Object, "status", "replicas") // none is 0
	wanted, _, _ := unstructured.NestedInt64(workload.Object, "spec", "replicas")
	return pods > 0 || wanted > 0 || isPending(workload)
}

func workloadOf(there []*unstructured.Unstructured) *unstructured.Unstructured {
	for _, one := range there {
		if one.GetKind() == "Deployment" {
			return one
		}
	}
	return nil
}
