package operator

import (
	"context"
	"fmt"
	"strconv"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/api/v1"
)

// hold is what the annotation asks for.
type hold struct {
	paused   bool
	replicas int32
	problem  string // with the annotation; then the autoscaler goes on, since nobody knows where its target should be held
}

func holdOf(object *cpav1.CustomPodAutoscaler) hold {
	text, found := object.Annotations[cpav1.PausedReplicas]
	if !found {
		return hold{}
	}
	replicas, err := strconv.ParseInt(text, 10, 32)
	if err != nil || replicas < 0 {
		return hold{problem: fmt.Sprintf("the annotation %s is %q: it has to be a number of replicas, from 0; the autoscaler runs", cpav1.PausedReplicas, text)}
	}
	return hold{paused: true, replicas: int32(replicas)}
}

// holdTarget sets the target's scale, if it is not as it should be.
func (r *Reconciler) holdTarget(ctx context.Context, object *cpav1.CustomPodAutoscaler, resource schema.GroupResource, replicas int32) error {
	ref := object.Spec.ScaleTargetRef
	target, scale := ofKind(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)), ofKind(autoscalingv1.SchemeGroupVersion.WithKind("Scale"))
	target.SetNamespace(object.Namespace)
	target.SetName(ref.Name)
	err := r.Client.SubResource("scale").Get(ctx, target, scale)
	if there, _, _ := unstructured.NestedInt64(scale.Object, "spec", "replicas"); err == nil && there != int64(replicas) { // none is 0
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec": {"replicas": %d}}`, replicas))
		err = r.Client.SubResource("scale").Patch(ctx, target, patch, client.WithSubResourceBody(scale))
	}
	switch doing := fmt.Errorf("holding %s %q at %d replicas: %w", ref.Kind, ref.Name, replicas, err); {
	case apierrors.IsNotFound(err):
		return troubleError{"TargetNotFound", doing}
	case apierrors.IsForbidden(err):
		return r.forbidden(ctx, doing, object.Namespace, Rules(object, resource))
	case err != nil:
		return doing
	}
	return nil
}
