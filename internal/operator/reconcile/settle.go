package reconcile

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// settle tells what came of it, by the workload as it is now; nil if there is none yet. It holds the target if the object is
// paused and its autoscaler has stopped.
func (r *Reconciler) settle(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind workload.Kind, held plan.Hold, workload *unstructured.Unstructured) (plan.Outcome, error) {
	now, stopped := plan.Settled(object, held, workload)
	if !held.Paused {
		r.atZero.take(client.ObjectKeyFromObject(object))
		return now, nil
	}
	if !stopped {
		return now, nil
	}
	if err := r.holdTarget(ctx, object, kind, held.Replicas); err != nil {
		return now, err
	}
	r.atZero.note(object, kind, held.Replicas)
	return now.Holding(object, held), nil
}
