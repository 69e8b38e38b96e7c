package operator

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/api/v1"
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
func (r *Reconciler) settle(ctx context.Context, object *cpav1.CustomPodAutoscaler, held hold, workload *unstructured.Unstructured) (state, error) {
	now := state{ready: readiness(object, workload), paused: no("NotPaused", "")}
	if held.problem != "" {
		now.paused = no("InvalidReplicas", held.problem)
	}
	if !held.paused {
		return now, nil
	}
	now.ready, now.after = no("Paused", "the autoscaler is stopped"), again
	if running(workload) {
		now.paused, now.after = no("Pausing", "waiting for the end of the autoscaler"), soon
		return now, nil
	}
	if err := r.holdTarget(ctx, object, held.replicas); err != nil {
		return now, err
	}
	now.paused = yes("Paused", fmt.Sprintf("the target is held at %d replicas", held.replicas))
	return now, nil
}

// readiness is what the Deployment says of itself.
func readiness(object *cpav1.CustomPodAutoscaler, workload *unstructured.Unstructured) metav1.Condition {
	if made := object.Spec.ProvisionPod; made != nil && !*made {
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: "NotProvisioned", Message: "spec.provisionPod is false: what runs is somebody else's"}
	}
	if workload == nil {
		return no("MinimumReplicasUnavailable", "the Deployment was just made")
	}
	conditions, _, _ := unstructured.NestedSlice(workload.Object, "status", "conditions") // none, if it says nothing yet
	for _, one := range conditions {
		condition, _ := one.(map[string]any)
		if condition["type"] == "Available" {
			return metav1.Condition{
				Status: metav1.ConditionStatus(fmt.Sprint(condition["status"])),
				Reason: fmt.Sprint(condition["reason"]), Message: fmt.Sprint(condition["message"]),
			}
		}
	}
	return no("MinimumReplicasUnavailable", "the Deployment has no pods yet")
}

// running tells whether a workload has pods, or may still make some.
func running(workload *unstructured.Unstructured) bool {
	if workload == nil {
		return false
	}
	pods, _, _ := unstructured.NestedInt64(workload.Object, "status", "replicas") // none is 0
	seen, _, _ := unstructured.NestedInt64(workload.Object, "status", "observedGeneration")
	wanted, _, _ := unstructured.NestedInt64(workload.Object, "spec", "replicas")
	return pods > 0 || wanted > 0 || seen < workload.GetGeneration()
}

func workloadOf(there []*unstructured.Unstructured) *unstructured.Unstructured {
	for _, one := range there {
		if one.GetKind() == "Deployment" {
			return one
		}
	}
	return nil
}

// report writes our part of the status, if it is not what is there.
func (r *Reconciler) report(ctx context.Context, object *cpav1.CustomPodAutoscaler, now state) error {
	var conditions []metav1.Condition
	for name, condition := range map[string]metav1.Condition{cpav1.Ready: now.ready, cpav1.Paused: now.paused} {
		if before := meta.FindStatusCondition(object.Status.Conditions, name); before != nil {
			meta.SetStatusCondition(&conditions, *before)
		}
		if condition.Type, condition.ObservedGeneration = name, object.Generation; condition.Reason != "" {
			meta.SetStatusCondition(&conditions, condition)
		}
	}
	if object.Status.ObservedGeneration == object.Generation && sameConditions(object.Status.Conditions, conditions) {
		return nil
	}
	content, err := asMap(&cpav1.Status{ObservedGeneration: object.Generation, Conditions: conditions})
	if err != nil {
		return err
	}
	status := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": cpav1.GroupVersion.String(), "kind": "CustomPodAutoscaler",
		"metadata": map[string]any{"name": object.Name, "namespace": object.Namespace}, "status": content,
	}}
	if err := r.Client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(status), manager, client.ForceOwnership); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

func sameConditions(there, ours []metav1.Condition) bool {
	for _, condition := range ours {
		if before := meta.FindStatusCondition(there, condition.Type); before == nil || !reflect.DeepEqual(*before, condition) {
			return false
		}
	}
	return true
}
