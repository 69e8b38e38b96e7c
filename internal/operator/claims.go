package operator

import (
	"context"
	"errors"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/target"
)

// onePage is how many objects a list call gives at most, which bounds what is held at a time.
const onePage = 250

// claimants are the kinds whose selectors say which pods are theirs. PodDisruptionBudgets and NetworkPolicies are not among
// them: they protect or admit pods by labels that a template may need, such as the one that lets its pod reach Prometheus.
var claimants = []struct {
	kind     schema.GroupVersionKind
	resource string
}{
	{schema.GroupVersionKind{Version: "v1", Kind: "Service"}, "services"},
	{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "deployments"},
	{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "StatefulSet"}, "statefulsets"},
	{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "DaemonSet"}, "daemonsets"},
	{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}, "replicasets"},
	{schema.GroupVersionKind{Version: "v1", Kind: "ReplicationController"}, "replicationcontrollers"},
	{schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}, "jobs"},
}

// Selecting are the rights to list everything whose selectors are compared with a template's labels.
func Selecting() (rules []rbacv1.PolicyRule) {
	for _, one := range claimants {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{one.kind.Group}, Resources: []string{one.resource}, Verbs: []string{"list"}})
	}
	return rules
}

// checkLabels looks for a selector of others that a template's labels put the pod behind, when the pod is about to be written.
// A template without labels of its own costs no calls.
func (r *Reconciler) checkLabels(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind target.Kind, applying []*unstructured.Unstructured) error {
	deployment := workloadOf(applying)
	if deployment == nil {
		return nil
	}
	added := templateLabels(object, deployment)
	if len(added) == 0 {
		return nil
	}
	if err := r.checkTarget(ctx, object, kind, added); err != nil {
		return err
	}
	for _, one := range claimants {
		if err := r.checkClaims(ctx, object, one.kind, added); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget compares with the selector of the target, whatever its kind. A target that is not there has no pods.
func (r *Reconciler) checkTarget(ctx context.Context, object *cpav1.CustomPodAutoscaler, kind target.Kind, added map[string]string) error {
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
	return notAllowed(CheckLabels(object, added, claimOfTarget(object, scale)))
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
			return forbiddenError{doing, object.Namespace, Selecting()}
		case err != nil: // also when the list took too long to be continued: it is tried again
			return doing
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(kind)
			if err := CheckLabels(object, added, claimOf(&list.Items[i])); err != nil {
				return notAllowed(err)
			}
		}
		if list.GetContinue() == "" {
			return nil
		}
	}
}

// notAllowed makes a refusal by CheckLabels the object's condition.
func notAllowed(err error) error {
	if refusal, ok := errors.AsType[LabelsError](err); ok {
		return troubleError{"NotAllowed", refusal}
	}
	return err
}
