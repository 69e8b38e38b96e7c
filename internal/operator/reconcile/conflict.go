package reconcile

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// conflict names what else writes the scale of the object's target, so that the object's autoscaler must not run; it is empty if
// nothing does:
//
//	another object            the older one runs: by its creation, and where that is the same by its uid
//	a HorizontalPodAutoscaler,
//	a ScaledObject of KEDA    it goes first, since it knows nothing of us
//
// An object that has the annotation counts for nothing here: whoever has set it knows why.
func (r *Reconciler) conflict(ctx context.Context, object *cpav1.CustomPodAutoscaler) (string, error) {
	if plan.IgnoresConflicts(object) {
		return "", nil
	}
	its := plan.ScaledByObject(object)
	if other := r.Rival(ctx, its); other != "" {
		return other, nil
	}
	var list cpav1.CustomPodAutoscalerList
	if err := r.Client.List(ctx, &list, client.InNamespace(object.Namespace), client.MatchingFields{plan.ByTarget: its.Index()}); err != nil {
		return "", fmt.Errorf("looking for other objects with the same target: %w", err)
	}
	return plan.OlderRival(object, list.Items), nil
}

// Siblings are the other objects with the same target: what becomes of one may let another run, or stop it.
func Siblings(ctx context.Context, objects client.Reader, object *cpav1.CustomPodAutoscaler) (all []reconcile.Request) {
	var list cpav1.CustomPodAutoscalerList
	if objects.List(ctx, &list, client.InNamespace(object.Namespace), client.MatchingFields{plan.ByTarget: plan.ScaledByObject(object).Index()}) != nil {
		return nil // they are looked at again in any case, if not as soon
	}
	for i := range list.Items {
		if key := client.ObjectKeyFromObject(&list.Items[i]); key.Name != object.Name {
			all = append(all, reconcile.Request{NamespacedName: key})
		}
	}
	return all
}

// checkNotOurs refuses a target that the operator manages: the Deployment of an autoscaler, which has one replica or none.
func (r *Reconciler) checkNotOurs(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind workload.Kind) error {
	if kind.GroupResource() != desired.Deployments {
		return nil
	}
	deployment := plan.OfKind(plan.Workloads[0])
	key := client.ObjectKey{Namespace: object.Namespace, Name: object.Spec.ScaleTargetRef.Name}
	if err := r.Client.Get(ctx, key, deployment); err != nil {
		return client.IgnoreNotFound(err) // the cache has only what is ours
	}
	return plan.CheckNotOurs(deployment)
}
