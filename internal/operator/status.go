package operator

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// longestMessage bounds what the API server has to say, which may be about every field of a template.
const longestMessage = 4 << 10

// expected are the reasons of conditions that nobody has to do anything about; of all others people are warned.
var expected = map[string]bool{
	"MinimumReplicasAvailable": true, "MinimumReplicasUnavailable": true, "NotProvisioned": true, "Replacing": true,
	"Paused": true, "Pausing": true, "NotPaused": true,
}

// report writes our part of the status, if it is not what is there. The cache may not have what was written last, so a
// difference is looked for again in the object as it is now.
func (r *Reconciler) report(ctx context.Context, object *cpav1.CustomPodAutoscaler, now state) error {
	if conditions := conditionsOf(object, now); isNoted(object, conditions, now.held) {
		return nil
	}
	there := &cpav1.CustomPodAutoscaler{}
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(object), there)
	if kube.IsNotServed(err) { // by an API server that is starting; the object is still there
		return fmt.Errorf("reading the object: %w", err)
	}
	if err != nil || there.UID != object.UID {
		return client.IgnoreNotFound(err)
	}
	there.Generation = object.Generation // which this is about
	conditions := conditionsOf(there, now)
	if isNoted(there, conditions, now.held) {
		return nil
	}
	// While the target is held, its autoscaler, which writes these otherwise, is stopped.
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&cpav1.Status{ObservedGeneration: object.Generation, Conditions: conditions, CurrentReplicas: now.held, DesiredReplicas: now.held})
	if err != nil {
		return err
	}
	status := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": cpav1.GroupVersion.String(), "kind": cpav1.Kind,
		"metadata": map[string]any{"name": object.Name, "namespace": object.Namespace, "uid": string(object.UID)}, "status": content,
	}}
	if err := r.Client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(status), manager, client.ForceOwnership); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	for _, condition := range conditions {
		r.tell(there, condition)
	}
	return nil
}

// conditionsOf are ours, with the times of those that the object has already.
func conditionsOf(object *cpav1.CustomPodAutoscaler, now state) (conditions []metav1.Condition) {
	for name, condition := range map[string]metav1.Condition{cpav1.Ready: now.ready, cpav1.Paused: now.paused} {
		if before := meta.FindStatusCondition(object.Status.Conditions, name); before != nil {
			meta.SetStatusCondition(&conditions, *before)
		}
		condition.Message = text.Clip(mask(object, condition.Message), longestMessage)
		if condition.Type, condition.ObservedGeneration = name, object.Generation; condition.Reason != "" {
			meta.SetStatusCondition(&conditions, condition)
		}
	}
	return conditions
}

// isNoted tells whether the object's status has the conditions, for this generation, and the replicas that its target is held at.
func isNoted(object *cpav1.CustomPodAutoscaler, conditions []metav1.Condition, held *int32) bool {
	status := object.Status
	return status.ObservedGeneration == object.Generation && sameConditions(status.Conditions, conditions) &&
		(held == nil || same(status.CurrentReplicas, held) && same(status.DesiredReplicas, held))
}

func same(a, b *int32) bool { return a != nil && b != nil && *a == *b }

func sameConditions(there, ours []metav1.Condition) bool {
	for _, condition := range ours {
		if before := meta.FindStatusCondition(there, condition.Type); before == nil || !reflect.DeepEqual(*before, condition) {
			return false
		}
	}
	return true
}

// tell tells of a condition that is news: in the log, and in an event where it is trouble, the end of trouble, or a pause.
func (r *Reconciler) tell(object *cpav1.CustomPodAutoscaler, now metav1.Condition) {
	before := meta.FindStatusCondition(object.Status.Conditions, now.Type)
	if before == nil {
		before = &metav1.Condition{Status: metav1.ConditionFalse, Reason: "NotPaused"} // as good as any that is expected
	}
	if before.Status == now.Status && before.Reason == now.Reason && before.Message == now.Message {
		return
	}
	level := slog.LevelInfo
	switch {
	case !expected[now.Reason]:
		level = slog.LevelWarn
		r.event(object, corev1.EventTypeWarning, now.Reason, now.Message)
	case !expected[before.Reason]:
		r.event(object, corev1.EventTypeNormal, now.Reason, "the operator goes on, after "+before.Reason)
	case now.Type == cpav1.Paused && now.Status != before.Status:
		r.event(object, corev1.EventTypeNormal, now.Reason, now.Message)
	}
	if before.Status == now.Status && before.Reason == now.Reason && level == slog.LevelInfo {
		return
	}
	r.Log.Log(context.Background(), level, "condition", "namespace", object.Namespace, "name", object.Name,
		"type", now.Type, "status", now.Status, "reason", now.Reason, "message", now.Message)
}

func (r *Reconciler) event(object *cpav1.CustomPodAutoscaler, kind, reason, message string) {
	r.Event(corev1.ObjectReference{
		APIVersion: cpav1.GroupVersion.String(), Kind: cpav1.Kind,
		Namespace: object.Namespace, Name: object.Name, UID: object.UID,
	}, kind, reason, message)
}
