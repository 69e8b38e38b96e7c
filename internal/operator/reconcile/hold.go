package reconcile

import (
	"context"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// holdTarget sets the target's scale, if it is not as it should be.
func (r *Reconciler) holdTarget(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind workload.Kind, replicas int32) error {
	ref := object.Spec.ScaleTargetRef
	path, scale := scaleOf(object, kind), &autoscalingv1.Scale{}
	err := r.API.Get(ctx, path, scale)
	if err == nil && scale.Spec.Replicas != replicas {
		err = r.API.Patch(ctx, path, types.MergePatchType, fmt.Appendf(nil, `{"spec": {"replicas": %d}}`, replicas), scale)
	}
	switch doing := fmt.Errorf("holding %s %q at %s: %w", ref.Kind, ref.Name, cpav1.CountReplicas(replicas), ownWords(err)); {
	case kube.IsNotServed(err): // no longer, or not yet
		r.Kinds.Expire(path.Version)
		return plan.Trouble("TargetNotFound", passingError{doing})
	case apierrors.IsNotFound(err):
		return plan.Trouble("TargetNotFound", doing)
	case apierrors.IsForbidden(err):
		return forbiddenError{doing, object.Namespace, desired.Rules(object, kind.GroupResource())}
	case err != nil:
		return doing
	}
	return nil
}

// scaleOf is the path of the target's scale.
func scaleOf(object *cpav1.CustomPodAutoscaler, kind workload.Kind) kube.Path {
	return kube.Path{Version: kind.Version, Namespace: object.Namespace, Resource: kind.Resource, Name: object.Spec.ScaleTargetRef.Name, Subresource: "scale"}
}
