package lease

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// hold makes it ours if it may be.
func (l *Lease) hold(ctx context.Context) (held bool, err error) {
	if l.lease == nil {
		existing := &coordinationv1.Lease{}
		err := l.API.Get(ctx, l.path(l.Name), existing)
		switch {
		case apierrors.IsNotFound(err) && l.free(coordinationv1.LeaseSpec{HolderIdentity: l.seen.HolderIdentity}):
			return true, l.create(ctx)
		case apierrors.IsNotFound(err): // somebody deleted it, which its holder notices only when it renews it
			return false, nil
		case err != nil:
			return false, err
		case !l.free(existing.Spec):
			return false, nil
		}
		l.lease = existing
	}
	if err := l.patch(ctx, l.ours(l.lease.Spec)); err != nil {
		return false, err
	}
	l.since, l.seen = time.Time{}, coordinationv1.LeaseSpec{}
	return true, nil
}

// free tells whether no other process holds it, or its holder has not changed the record for as long as a lease lasts.
// Only our own clock counts, and nothing that the record says: it may lack any of its times, or have impossible ones.
func (l *Lease) free(spec coordinationv1.LeaseSpec) bool {
	if holder := holderOf(spec); holder == "" || holder == l.Holder {
		return true
	}
	if l.since.IsZero() || !equality.Semantic.DeepEqual(l.seen, spec) {
		l.seen, l.since = spec, time.Now()
	}
	return time.Since(l.since) > expires
}

// ours is what we write into the record. The fields of a coordinated leader election, which this is not, are taken off.
func (l *Lease) ours(before coordinationv1.LeaseSpec) map[string]any {
	now := metav1.NowMicro()
	spec := map[string]any{"holderIdentity": l.Holder, "leaseDurationSeconds": int32(expires / time.Second), "renewTime": now}
	if before.Strategy != nil || before.PreferredHolder != nil {
		spec["strategy"], spec["preferredHolder"] = nil, nil
	}
	if holderOf(before) != l.Holder {
		spec["acquireTime"], spec["leaseTransitions"] = now, 1+min(max(0, transitionsOf(before)), math.MaxInt32-1)
	}
	return spec
}

func (l *Lease) create(ctx context.Context) error {
	now := metav1.NowMicro()
	lease := &coordinationv1.Lease{
		TypeMeta:   metav1.TypeMeta{APIVersion: coordinationv1.SchemeGroupVersion.String(), Kind: "Lease"},
		ObjectMeta: metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name, OwnerReferences: []metav1.OwnerReference{l.Owner}},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: &l.Holder, LeaseDurationSeconds: new(int32(expires / time.Second)),
			AcquireTime: &now, RenewTime: &now, LeaseTransitions: new(int32(0)),
		},
	}
	if err := l.API.Create(ctx, l.path(""), lease); err != nil {
		return err
	}
	l.lease, l.since, l.seen = lease, time.Time{}, coordinationv1.LeaseSpec{}
	return nil
}

// patch changes it, unless somebody else has since it was read. A Lease of a deleted object of the same name becomes one of
// ours: it would be deleted as the other's garbage otherwise.
func (l *Lease) patch(ctx context.Context, spec map[string]any) error {
	metadata := map[string]any{"resourceVersion": l.lease.ResourceVersion}
	if !slices.ContainsFunc(l.lease.OwnerReferences, func(r metav1.OwnerReference) bool { return r.UID == l.Owner.UID }) {
		metadata["ownerReferences"] = []metav1.OwnerReference{l.Owner}
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata, "spec": spec})
	if err != nil {
		return err
	}
	written := &coordinationv1.Lease{}
	if err := l.API.Patch(ctx, l.path(l.Name), types.MergePatchType, patch, written); err != nil {
		return err
	}
	l.lease = written
	return nil
}

// waiting is why we do not hold it though the API answers.
func (l *Lease) waiting() error {
	return fmt.Errorf("%s holds the lease %q, and is scaling: this autoscaler waits until it is free", l.nameOf(holderOf(l.seen)), l.Name)
}

// explain says what follows from an error, and of a missing right what to do about it.
func (l *Lease) explain(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("the lease %q, which keeps a second autoscaler out, could not be renewed: %w", l.Name, err)
	if !apierrors.IsForbidden(err) {
		return err
	}
	return fmt.Errorf("%w: nothing is scaled without the lease; add to the autoscaler's Role in namespace %s: "+
		`{apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"]} and `+
		`{apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: [%q], verbs: ["get", "patch"]}; `+
		"or set leaderElection: false, if no second autoscaler of the object ever runs", err, l.Namespace, l.Name)
}

func (l *Lease) path(name string) kube.Path {
	return kube.Path{Version: coordinationv1.SchemeGroupVersion, Namespace: l.Namespace, Resource: "leases", Name: name}
}

func holderOf(spec coordinationv1.LeaseSpec) string {
	if spec.HolderIdentity == nil {
		return ""
	}
	return *spec.HolderIdentity
}

func transitionsOf(spec coordinationv1.LeaseSpec) int32 {
	if spec.LeaseTransitions == nil {
		return 0
	}
	return *spec.LeaseTransitions
}
