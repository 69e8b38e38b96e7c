// Package reconcile brings what a CustomPodAutoscaler needs to what it should be. It reads what exists, has package desired say
// what has to be there and package plan what has to be done, carries that out, and writes the object's status. It decides
// nothing about replicas.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// manager is who owns the fields that we apply.
const manager = client.FieldOwner(cpav1.Operator)

// OneCall bounds a call to the API, so that none hangs. Messages name it.
const OneCall = 10 * time.Second

// Reconciler does what an object asks for.
type Reconciler struct {
	Client client.Client                             // reads what is ours from a cache
	Live   client.Reader                             // reads what may be anybody's
	API    *kube.Client                              // reads and sets the scale of targets, of any kind
	Kinds  KindFinder                                // finds how the API serves the targets' kinds
	Rival  func(context.Context, plan.Scaled) string // names what else than our objects scales a target, or nothing
	Event  func(about corev1.ObjectReference, kind, reason, message string)
	Log    *slog.Logger
	Now    func() time.Time

	passing passing    // failures that may go away by themselves
	atZero  heldAtZero // targets that nothing wakes when their object goes
}

// KindFinder finds how the API serves a kind. It does not wait long for an answer.
type KindFinder interface {
	Find(context.Context, schema.GroupVersionKind) (workload.Kind, error)
	Expire(schema.GroupVersion)
}

// Reconcile brings one object to what it should be:
//
//  1. find out how the API serves its target
//  2. look whether something else scales it; then the autoscaler is stopped
//  3. say what has to be there, and compare it with what is
//  4. check that the object may use the Roles, accounts and labels that it asks for
//  5. delete workloads that are not wanted, and wait until they are gone
//  6. apply what is missing or not as it should be
//  7. hold the target, if the object is paused and its autoscaler has stopped
//  8. write the status, if it is news
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	object := &cpav1.CustomPodAutoscaler{}
	if err := r.Client.Get(ctx, request.NamespacedName, object); err != nil || object.DeletionTimestamp != nil {
		r.passing.forget(request.NamespacedName)
		if apierrors.IsNotFound(err) {
			r.tellLeft(ctx, request.NamespacedName)
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	held := plan.HoldOf(object, r.Now())
	now, err := r.act(ctx, object, held)
	if retry := r.passing.retryIn(request.NamespacedName, err, r.Now()); retry > 0 {
		return reconcile.Result{RequeueAfter: held.Within(retry)}, nil
	}
	err = r.explained(ctx, err)
	if trouble, ok := errors.AsType[plan.TroubleError](err); ok { // somebody has to look: trying again at once would not help
		now, err = plan.Troubled(trouble), nil
	}
	if err != nil {
		now = now.Failing(err)
	}
	err = errors.Join(err, r.report(ctx, object, now))
	return reconcile.Result{RequeueAfter: held.Within(now.After)}, secret.MaskError(err, func(text string) string { return desired.Mask(object, text) })
}

func (r *Reconciler) act(ctx context.Context, object *cpav1.CustomPodAutoscaler, held plan.Hold) (plan.Outcome, error) {
	kind, err := r.target(ctx, object)
	if err != nil {
		return plan.Outcome{}, err
	}
	if err := r.checkNotOurs(ctx, object, kind); err != nil {
		return plan.Outcome{}, err
	}
	rival, err := r.conflict(ctx, object)
	if err != nil {
		return plan.Outcome{}, err
	}
	wanted, err := desired.For(object, kind.GroupResource(), held.Paused || rival != "")
	if err != nil {
		return plan.Outcome{}, plan.Trouble("InvalidTemplate", err)
	}
	there, err := r.there(ctx, object, wanted)
	if err != nil {
		return plan.Outcome{}, fmt.Errorf("reading what is there: %w", err)
	}
	todo, conflict := plan.For(object, wanted, there)
	borrows, err := r.allow(ctx, object, wanted, there, conflict)
	if err != nil {
		return plan.Outcome{}, err
	}
	if conflict != nil {
		return plan.Outcome{}, plan.Trouble("NameConflict", conflict)
	}
	if err := r.checkLabels(ctx, object, kind, todo.Apply); err != nil {
		return plan.Outcome{}, err
	}
	if ending := slices.Concat(todo.Delete, todo.Await); len(ending) > 0 {
		return plan.Replacing(ending), r.delete(ctx, todo.Delete)
	}
	if err := r.apply(ctx, todo.Apply, desired.Rules(object, kind.GroupResource())); err != nil {
		return plan.Outcome{}, err
	}
	r.warn(object, todo.Apply)
	if rival != "" {
		r.atZero.take(client.ObjectKeyFromObject(object))
		return plan.Conflicting(object, held, rival), nil
	}
	now, err := r.settle(ctx, object, kind, held, plan.WorkloadOf(append(todo.Apply, there...))) // what was applied is as the API server has it now
	if borrows && now.After == 0 {
		now.After = plan.Again
	}
	return now, err
}

// warn tells of what the object says and is not used, whenever the pod is written.
func (r *Reconciler) warn(object *cpav1.CustomPodAutoscaler, applied []*unstructured.Unstructured) {
	if plan.WorkloadOf(applied) == nil {
		return
	}
	for _, notice := range desired.Ignored(object) {
		r.event(object, corev1.EventTypeWarning, notice.Reason, notice.Message)
		r.Log.Warn("a part of the object is not used", "namespace", object.Namespace, "name", object.Name, "reason", notice.Reason, "message", notice.Message)
	}
}

// target asks how the API serves the target's kind.
func (r *Reconciler) target(ctx context.Context, object *cpav1.CustomPodAutoscaler) (workload.Kind, error) {
	ref := object.Spec.ScaleTargetRef
	version, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return workload.Kind{}, plan.Trouble("InvalidTarget", fmt.Errorf("spec.scaleTargetRef.apiVersion: %w", err))
	}
	kind, err := r.Kinds.Find(ctx, version.WithKind(ref.Kind))
	switch {
	case errors.Is(err, workload.ErrNotServed):
		return workload.Kind{}, plan.Trouble("UnknownTarget", passingError{inRef(err)})
	case errors.Is(err, workload.ErrNoKind):
		return workload.Kind{}, plan.Trouble("UnknownTarget", inRef(err))
	case err != nil:
		return workload.Kind{}, passingError{fmt.Errorf("asking how the API serves %s in %s: %w", ref.Kind, ref.APIVersion, ownWords(err))}
	}
	if err := kind.Targetable(); err != nil {
		return workload.Kind{}, plan.Trouble("InvalidTarget", inRef(err))
	}
	return kind, nil
}

func inRef(err error) error { return fmt.Errorf("%w (spec.scaleTargetRef)", err) }

// there is what has the names of what is desired, whosever it is, and the object's own workloads.
func (r *Reconciler) there(ctx context.Context, object *cpav1.CustomPodAutoscaler, desired []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, want := range desired {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(want.GroupVersionKind())
		err := r.Client.Get(ctx, client.ObjectKeyFromObject(want), live)
		if apierrors.IsNotFound(err) { // among what is ours
			err = r.Live.Get(ctx, client.ObjectKeyFromObject(want), live)
		}
		if err == nil {
			all = append(all, live)
		} else if !apierrors.IsNotFound(err) {
			return nil, err
		}
	}
	for _, kind := range plan.Workloads {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		if err := r.Client.List(ctx, list, client.InNamespace(object.Namespace), client.MatchingFields{cpav1.OwnedBy: object.Name}); err != nil {
			return nil, err
		}
		for i := range list.Items {
			if one := &list.Items[i]; plan.Find(all, one) == nil {
				all = append(all, one)
			}
		}
	}
	return all, nil
}

func (r *Reconciler) delete(ctx context.Context, all []*unstructured.Unstructured) error {
	for _, one := range all {
		if one.GetDeletionTimestamp() != nil {
			continue
		}
		// The one that was looked at, and its pods with it before it is gone itself.
		uid := one.GetUID()
		err := r.Client.Delete(ctx, one, client.Preconditions{UID: &uid}, client.PropagationPolicy("Foreground"))
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting %s %q: %w", one.GetKind(), one.GetName(), err)
		}
		r.Log.Info("deleted", "kind", one.GetKind(), "namespace", one.GetNamespace(), "name", one.GetName())
	}
	return nil
}

// apply writes in the order of the list: rights before who uses them.
func (r *Reconciler) apply(ctx context.Context, all []*unstructured.Unstructured, handedOn []rbacv1.PolicyRule) error {
	for _, one := range all {
		err := r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(one), manager, client.ForceOwnership)
		doing := fmt.Errorf("applying %s %q: %w", one.GetKind(), one.GetName(), err)
		switch {
		case apierrors.IsForbidden(err):
			return forbiddenError{doing, one.GetNamespace(), handedOn}
		case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), isUnknownField(err):
			return plan.Trouble("Refused", doing)
		case err != nil:
			return doing
		}
		r.Log.Info("applied", "kind", one.GetKind(), "namespace", one.GetNamespace(), "name", one.GetName())
	}
	return nil
}

// isUnknownField tells what the API server says of a field that it does not know, for which it has no reason of its own.
func isUnknownField(err error) bool {
	return err != nil && strings.Contains(err.Error(), "failed to create typed patch object")
}
