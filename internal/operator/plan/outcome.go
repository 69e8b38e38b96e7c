package plan

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

const (
	// Again is when an object is looked at anew that somebody has to do something about, or whose target is held.
	Again = 30 * time.Second

	// Soon is when it is looked whether what was deleted is gone.
	Soon = time.Second
)

// TroubleError is one that somebody has to do something about; the reason is the condition's.
type TroubleError struct {
	Reason string
	error
}

// Trouble makes a TroubleError of an error.
func Trouble(reason string, err error) error { return TroubleError{reason, err} }

func (t TroubleError) Unwrap() error { return t.error }

// Outcome is the result of one reconciliation of an object.
type Outcome struct {
	Held   *int32 // how many replicas the target is held at, if it is
	Ready  metav1.Condition
	Paused metav1.Condition
	After  time.Duration // when to look again, unless something happens before
}

// Troubled is the outcome of a reconciliation that met trouble.
func Troubled(trouble TroubleError) Outcome {
	return Outcome{Ready: no(trouble.Reason, trouble.Error()), After: Again}
}

// Failing is the outcome of a reconciliation that failed, and will be tried again.
func (o Outcome) Failing(err error) Outcome {
	o.Ready = no("Failed", err.Error())
	return o
}

// Replacing is the outcome while workloads that are not wanted are still there.
func Replacing(ending []*unstructured.Unstructured) Outcome {
	return Outcome{Ready: no("Replacing", "waiting for the end of "+ending[0].GetKind()+" "+ending[0].GetName()), After: Soon}
}

func no(reason, message string) metav1.Condition {
	return metav1.Condition{Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

func yes(reason, message string) metav1.Condition {
	return metav1.Condition{Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

// Settled is the outcome once everything has been applied, by the workload as it is now; nil if there is none yet. stopped
// tells that the object is paused and that no autoscaler runs, so that the target has to be held.
func Settled(object *cpav1.CustomPodAutoscaler, held Hold, workload *unstructured.Unstructured) (now Outcome, stopped bool) {
	now = Outcome{Ready: readiness(object, workload), Paused: held.not}
	if !held.Paused {
		return now, false
	}
	now.After = Again
	if provisionsPod(object) {
		now.Ready = no("Paused", "the autoscaler is stopped")
	}
	if running(workload) {
		now.Paused, now.After = no("Pausing", "waiting for the end of the autoscaler"), Soon
		return now, false
	}
	return now, true
}

// Holding is the outcome once the target is held.
func (o Outcome) Holding(object *cpav1.CustomPodAutoscaler, held Hold) Outcome {
	message := cpav1.HeldAt(held.Replicas, held.until)
	if !provisionsPod(object) {
		message += "; stop its autoscaler yourself (spec.provisionPod is false)"
	}
	o.Held = &held.Replicas
	o.Paused = yes("Paused", message)
	return o
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

// WorkloadOf is the Deployment among objects, nil if there is none.
func WorkloadOf(there []*unstructured.Unstructured) *unstructured.Unstructured {
	for _, one := range there {
		if one.GetKind() == "Deployment" {
			return one
		}
	}
	return nil
}
