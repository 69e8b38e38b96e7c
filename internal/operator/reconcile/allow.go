package reconcile

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

// allow checks that the object may use every Role and account that it does not provision, and takes back the RoleBinding of
// one that it may not use any more. conflict is the error of plan.For, which checks what is provisioned. borrows tells that the
// object uses something of others: no event tells the operator when that consent ends, so it has to look again.
//
// A binding and a pod name what they use, so the check and the use are two calls. A Role or an account that is replaced
// between them, or later, is used until the next look.
func (r *Reconciler) allow(ctx context.Context, object *cpav1.CustomPodAutoscaler, desired, there []*unstructured.Unstructured, conflict error) (borrows bool, err error) {
	bound, err := r.boundBefore(ctx, object, there)
	if err != nil {
		return false, err
	}
	live, err := r.referenced(ctx, object, desired, bound, there)
	if err != nil {
		return false, err
	}
	verdict := plan.Judge(object, desired, bound, live, conflict != nil)
	if verdict.TakeBack {
		if err := r.takeBack(ctx, object, bound); err != nil {
			return false, err
		}
	}
	if err := r.disownAll(ctx, object, desired, live); err != nil {
		return false, err
	}
	if verdict.Refusal != nil {
		return false, plan.Trouble("NotAllowed", verdict.Refusal)
	}
	return verdict.Borrows, nil
}

// disownAll disowns what the object does not provision, whether it may use that or not.
func (r *Reconciler) disownAll(ctx context.Context, object *cpav1.CustomPodAutoscaler, desired []*unstructured.Unstructured, live map[plan.Reference]*unstructured.Unstructured) error {
	var others []*unstructured.Unstructured
	for to, one := range live {
		if one != nil && plan.Find(desired, to.AsObject()) == nil {
			others = append(others, one)
		}
	}
	binding := plan.OfKind(plan.RoleBindings)
	binding.SetName(object.Name)
	if plan.Find(desired, binding) == nil {
		err := r.Live.Get(ctx, client.ObjectKeyFromObject(object), binding)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("reading RoleBinding %q: %w", object.Name, err)
		}
		if err == nil {
			others = append(others, binding)
		}
	}
	for _, one := range others {
		if err := r.disown(ctx, object, one); err != nil {
			return err
		}
	}
	return nil
}

// disown removes the owner reference that operator 1.4 has put on what is not provisioned, if there is one.
func (r *Reconciler) disown(ctx context.Context, object *cpav1.CustomPodAutoscaler, live *unstructured.Unstructured) error {
	patch, err := plan.Disowning(object, live)
	if err != nil || patch == nil {
		return err
	}
	err = r.Client.Patch(ctx, live.DeepCopy(), client.RawPatch(types.MergePatchType, patch), manager)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the owner reference of operator 1.4 from %s %q: %w", live.GetKind(), live.GetName(), err)
	}
	r.Log.Info("removed an owner reference of operator 1.4", "kind", live.GetKind(), "namespace", live.GetNamespace(), "name", live.GetName())
	return nil
}

// boundBefore is the RoleBinding that this operator has applied for the object, also if the object does not ask for one any
// more: it still gives rights. It is nil if there is none.
func (r *Reconciler) boundBefore(ctx context.Context, object *cpav1.CustomPodAutoscaler, there []*unstructured.Unstructured) (*unstructured.Unstructured, error) {
	binding := plan.OfKind(plan.RoleBindings)
	binding.SetName(object.Name)
	if live := plan.Find(there, binding); live != nil {
		binding = live
	} else if err := r.Client.Get(ctx, client.ObjectKeyFromObject(object), binding); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading RoleBinding %q: %w", object.Name, err)
	}
	if !plan.IsApplied(object, binding) || binding.GetDeletionTimestamp() != nil {
		return nil, nil
	}
	return binding, nil
}

// referenced reads what the desired objects and the binding use: from the API server, since the cache has only what is ours.
// What is provisioned has been read already.
func (r *Reconciler) referenced(ctx context.Context, object *cpav1.CustomPodAutoscaler, desired []*unstructured.Unstructured, bound *unstructured.Unstructured, there []*unstructured.Unstructured) (map[plan.Reference]*unstructured.Unstructured, error) {
	live := map[plan.Reference]*unstructured.Unstructured{}
	for _, to := range plan.References(desired, bound) {
		if _, known := live[to]; known {
			continue
		}
		one := to.AsObject()
		switch {
		case plan.Find(desired, one) != nil:
			live[to] = plan.Find(there, one)
			continue
		case len(content.IsPathSegmentName(to.Name)) > 0: // nothing can have such a name
			live[to] = nil
			continue
		}
		err := r.Live.Get(ctx, client.ObjectKey{Namespace: object.Namespace, Name: to.Name}, one)
		switch {
		case apierrors.IsNotFound(err):
			one = nil
		case err != nil:
			return nil, fmt.Errorf("reading %s %q: %w", to.Kind.Kind, to.Name, err)
		}
		live[to] = one
	}
	return live, nil
}

// takeBack removes the RoleBinding by leaving it to the garbage collector.
func (r *Reconciler) takeBack(ctx context.Context, object *cpav1.CustomPodAutoscaler, binding *unstructured.Unstructured) error {
	patch, err := plan.Withdrawal(object, binding)
	if err != nil {
		return err
	}
	err = r.Client.Patch(ctx, binding.DeepCopy(), client.RawPatch(types.MergePatchType, patch), manager)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("withdrawing RoleBinding %q, whose Role or account may not be used any more: %w", binding.GetName(), err)
	}
	r.Log.Warn("withdrew a binding whose Role or account may not be used any more",
		"kind", binding.GetKind(), "namespace", binding.GetNamespace(), "name", binding.GetName())
	return nil
}
