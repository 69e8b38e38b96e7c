package reconcile

import (
	"context"
	"errors"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// onePage is how many objects a list call gives at most, which bounds what is held at a time.
const onePage = 250

// checkLabels looks for a selector of others that a template's labels put the pod behind, when the pod is about to be written.
// A template without labels of its own costs no calls.
func (r *Reconciler) checkLabels(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind workload.Kind, applying []*unstructured.Unstructured) error {
	deployment := plan.WorkloadOf(applying)
	if deployment == nil {
		return nil
	}
	added := plan.TemplateLabels(object, deployment)
	if len(added) == 0 {
		return nil
	}
	if err := r.checkTarget(ctx, object, kind, added); err != nil {
		return err
	}
	for _, one := range plan.Claimants {
		if err := r.checkClaims(ctx, object, one, added); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget compares with the selector of the target, whatever its kind. A target that is not there has no pods.
func (r *Reconciler) checkTarget(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind workload.Kind, added map[string]string) error {
	ref, scale := object.Spec.ScaleTargetRef, &autoscalingv1.Scale{}
	err := r.API.Get(ctx, scaleOf(object, kind), scale)
	doing := fmt.Errorf("reading the selector of %s %q, to compare it with spec.template.metadata.labels: %w", ref.Kind, ref.Name, ownWords(err))
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		return forbiddenError{doing, object.Namespace, desired.Rules(object, kind.GroupResource())}
	case err != nil:
		return doing
	}
	return notAllowed(plan.CheckLabels(object, added, plan.ClaimOfTarget(object, scale)))
}

// checkClaims compares with all of a kind in the namespace, page by page.
func (r *Reconciler) checkClaims(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind schema.GroupVersionKind, added map[string]string) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)
	for {
		err := r.Live.List(ctx, list, client.InNamespace(object.Namespace), client.Limit(onePage), client.Continue(list.GetContinue()))
		doing := fmt.Errorf("listing each %s of the namespace, to compare its selector with spec.template.metadata.labels: %w", kind.Kind, err)
		switch {
		case apierrors.IsForbidden(err):
			return forbiddenError{doing, object.Namespace, plan.Selecting()}
		case err != nil: // also when the list took too long to be continued: it is tried again
			return doing
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(kind)
			if err := plan.CheckLabels(object, added, plan.ClaimOf(&list.Items[i])); err != nil {
				return notAllowed(err)
			}
		}
		if list.GetContinue() == "" {
			return nil
		}
	}
}

// notAllowed makes a refusal by plan.CheckLabels the object's condition.
func notAllowed(err error) error {
	if refusal, ok := errors.AsType[plan.LabelsError](err); ok {
		return plan.Trouble("NotAllowed", refusal)
	}
	return err
}
