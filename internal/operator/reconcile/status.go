package reconcile

import (
	"context"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

// expected are the reasons of conditions that nobody has to do anything about; of all others people are warned.
var expected = map[string]bool{
	"MinimumReplicasAvailable": true, "MinimumReplicasUnavailable": true, "NotProvisioned": true, "Replacing": true,
	"Paused": true, "Pausing": true, "NotPaused": true,
}

// report writes our part of the status, if it is not what is there. The cache may not have what was written last, so a
// difference is looked for again in the object as it is now.
func (r *Reconciler) report(ctx context.Context, object *cpav1.CustomPodAutoscaler, now plan.Outcome) error {
	if conditions := plan.Conditions(object, now); plan.IsNoted(object, conditions, now.Held) {
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
	conditions := plan.Conditions(there, now)
	if plan.IsNoted(there, conditions, now.Held) {
		return nil
	}
	// While the target is held, its autoscaler, which writes these otherwise, is stopped.
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&cpav1.Status{ObservedGeneration: object.Generation, Conditions: conditions, CurrentReplicas: now.Held, DesiredReplicas: now.Held})
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
