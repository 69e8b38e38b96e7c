package operator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/target"
)

// hold is what the annotations ask for.
type hold struct {
	paused   bool
	replicas int32
	until    time.Time        // zero where the pause does not end by itself
	left     time.Duration    // until then
	not      metav1.Condition // why it is not paused. With annotations that nobody can read the autoscaler goes on
}

// holdOf tells whether the object is paused now:
//
//	paused-replicas   paused-until   paused
//	none              any            no
//	a number          none           yes
//	a number          to come        yes, and it is looked at again just then
//	a number          over           no
//	a number          no time        no, which is told
//	no number         any            no, which is told
func holdOf(object *cpav1.CustomPodAutoscaler, now time.Time) hold {
	text, found := object.Annotations[cpav1.PausedReplicas]
	if !found {
		return hold{not: no("NotPaused", "the object does not ask for it")}
	}
	replicas, err := strconv.ParseInt(text, 10, 32)
	if err != nil || replicas < 0 {
		return hold{not: no("InvalidReplicas", fmt.Sprintf("the annotation %s is %q: it has to be a number of replicas, from 0; the autoscaler runs", cpav1.PausedReplicas, text))}
	}
	held := hold{paused: true, replicas: int32(replicas)}
	text, found = object.Annotations[cpav1.PausedUntil]
	if !found {
		return held
	}
	held.until, err = time.Parse(time.RFC3339, text)
	if err != nil {
		return hold{not: no("InvalidTime", fmt.Sprintf("the annotation %s is %q: it has to be a time such as 2026-01-01T12:00:00Z; the autoscaler runs", cpav1.PausedUntil, text))}
	}
	if !now.Before(held.until) {
		return hold{not: no("NotPaused", "the pause ended at "+held.until.UTC().Format(time.RFC3339))}
	}
	held.left = held.until.Sub(now)
	return held
}

// within is when to look again: no later than the pause ends.
func (h hold) within(after time.Duration) time.Duration {
	if h.left > 0 && (after == 0 || h.left < after) {
		return h.left
	}
	return after
}

// holdTarget sets the target's scale, if it is not as it should be.
func (r *Reconciler) holdTarget(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind target.Kind, replicas int32) error {
	ref := object.Spec.ScaleTargetRef
	path, scale := scaleOf(object, kind), &autoscalingv1.Scale{}
	err := r.API.Get(ctx, path, scale)
	if err == nil && scale.Spec.Replicas != replicas {
		err = r.API.Patch(ctx, path, types.MergePatchType, fmt.Appendf(nil, `{"spec": {"replicas": %d}}`, replicas), scale)
	}
	switch doing := fmt.Errorf("holding %s %q at %s: %w", ref.Kind, ref.Name, cpav1.CountReplicas(replicas), ownWords(err)); {
	case kube.IsNotServed(err): // no longer, or not yet
		r.Kinds.Expire(path.Version)
		return troubleError{"TargetNotFound", passingError{doing}}
	case apierrors.IsNotFound(err):
		return troubleError{"TargetNotFound", doing}
	case apierrors.IsForbidden(err):
		return forbiddenError{doing, object.Namespace, desired.Rules(object, kind.GroupResource())}
	case err != nil:
		return doing
	}
	return nil
}

// scaleOf is the path of the target's scale.
func scaleOf(object *cpav1.CustomPodAutoscaler, kind target.Kind) kube.Path {
	return kube.Path{Version: kind.Version, Namespace: object.Namespace, Resource: kind.Resource, Name: object.Spec.ScaleTargetRef.Name, Subresource: "scale"}
}
