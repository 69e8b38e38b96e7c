// Package lease keeps a second autoscaler of the same object out: of several that run, the one that holds the object's
// Lease scales, and the others wait until it is free.
//
// A pod that is replaced gives its lease back when it stops. One whose node is cut off from the cluster does not know that
// it has been replaced: it stops scaling before its lease can be taken by another.
package lease

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/internal/kube"
)

// A thousand autoscalers renew their leases at the same API server, so that is done seldom:
//
//	renewed             renewed again                 not believed any more      may be taken by another
//	|........ 15s ......|..................................... 45s ..............| 60s after it was last seen to change
const (
	renewed  = 15 * time.Second
	believed = 45 * time.Second
	expires  = 60 * time.Second
	retried  = 2 * time.Second // while another holds it, or the API does not answer
)

// API reads and writes Leases.
type API interface {
	Get(ctx context.Context, path kube.Path, into runtime.Object) error
	Create(ctx context.Context, path kube.Path, object runtime.Object) error
	Patch(ctx context.Context, path kube.Path, of types.PatchType, patch []byte, into runtime.Object) error
}

// Lease is held, or not, by one program.
type Lease struct {
	API       API
	Namespace string
	Name      string
	Owner     metav1.OwnerReference // the object, with which the lease goes
	Holder    string                // who we are: a pod's name, which it keeps when its container starts again
	Log       *slog.Logger
	Wrote     func(error) // is told of each try; nil where it succeeded

	lease *coordinationv1.Lease // as it was when we last wrote it, or nil: then it has to be read
	since time.Time             // when it was last seen to change, of another's
	seen  coordinationv1.LeaseSpec

	mutex sync.Mutex
	until time.Time // when we hold it
	why   error     // not
	open  bool      // nobody keeps anybody out, since we may not read it
}

// Held says why another may be scaling, or nothing.
func (l *Lease) Held() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.open || time.Now().Before(l.until) {
		return nil
	}
	if l.why == nil {
		return fmt.Errorf("the lease %q is not held yet", l.Name)
	}
	return l.why
}

// Run takes the lease when it is free, and renews it, until ctx is done.
func (l *Lease) Run(ctx context.Context) {
	for {
		wait := renewed
		if !l.try(ctx) {
			wait = retried
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Release lets others have it at once, after Run. It is read anew, since the last try may have been cut short.
func (l *Lease) Release(ctx context.Context) {
	l.note(time.Time{}, fmt.Errorf("the lease %q was given back", l.Name))
	l.lease = &coordinationv1.Lease{}
	err := l.API.Get(ctx, l.path(l.Name), l.lease)
	if holder := l.lease.Spec.HolderIdentity; err != nil || holder == nil || *holder != l.Holder {
		return
	}
	l.Wrote(l.patch(ctx, coordinationv1.LeaseSpec{HolderIdentity: new(string), RenewTime: now()}))
}

// try takes or renews it once, and tells whether it is held.
func (l *Lease) try(ctx context.Context) bool {
	began := time.Now()
	held, err := l.hold(ctx)
	if ctx.Err() != nil {
		return held
	}
	l.Wrote(err)
	switch {
	case apierrors.IsForbidden(err): // with a Role that was made by hand, or for an autoscaler before there was a lease
		l.mutex.Lock()
		l.open = true
		l.mutex.Unlock()
		return true
	case err != nil:
		l.lease = nil
		l.note(l.until, fmt.Errorf("the lease %q, which keeps a second autoscaler out, could not be renewed: %w", l.Name, err))
	case held:
		l.note(began.Add(believed), nil)
	default:
		l.note(time.Time{}, fmt.Errorf("%s holds the lease %q, and is scaling: this autoscaler waits until it is free", *l.seen.HolderIdentity, l.Name))
	}
	return err == nil && held
}

// note is how it stands from now on; the log has what is news.
func (l *Lease) note(until time.Time, why error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if before := l.until; before.IsZero() != until.IsZero() {
		l.Log.Info("lease", "name", l.Name, "held", !until.IsZero(), "holder", l.Holder)
	}
	l.until, l.why = until, why
	l.open = false
}

// hold makes it ours if it may be.
func (l *Lease) hold(ctx context.Context) (held bool, err error) {
	if l.lease == nil {
		there := &coordinationv1.Lease{}
		err := l.API.Get(ctx, l.path(l.Name), there)
		if apierrors.IsNotFound(err) {
			return true, l.create(ctx)
		}
		if err != nil {
			return false, err
		}
		if !l.free(there.Spec) {
			return false, nil
		}
		l.lease = there
	}
	spec := coordinationv1.LeaseSpec{HolderIdentity: &l.Holder, LeaseDurationSeconds: seconds(expires), RenewTime: now()}
	if err := l.patch(ctx, spec); err != nil {
		return false, err
	}
	return true, nil
}

// free tells whether nobody holds it, we do, or its holder has not renewed it for as long as it lasts, by our clock alone.
func (l *Lease) free(spec coordinationv1.LeaseSpec) bool {
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || *spec.HolderIdentity == l.Holder {
		return true
	}
	if l.seen.RenewTime == nil || !l.seen.RenewTime.Equal(spec.RenewTime) || *l.seen.HolderIdentity != *spec.HolderIdentity {
		l.seen, l.since = spec, time.Now()
	}
	lasts := expires
	if spec.LeaseDurationSeconds != nil {
		lasts = time.Duration(*spec.LeaseDurationSeconds) * time.Second
	}
	return time.Since(l.since) > lasts
}

func (l *Lease) create(ctx context.Context) error {
	lease := &coordinationv1.Lease{
		TypeMeta:   metav1.TypeMeta{APIVersion: coordinationv1.SchemeGroupVersion.String(), Kind: "Lease"},
		ObjectMeta: metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name, OwnerReferences: []metav1.OwnerReference{l.Owner}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &l.Holder, LeaseDurationSeconds: seconds(expires), RenewTime: now()},
	}
	if err := l.API.Create(ctx, l.path(""), lease); err != nil {
		return err
	}
	l.lease = lease
	return nil
}

// patch changes it, unless somebody else has since it was read.
func (l *Lease) patch(ctx context.Context, spec coordinationv1.LeaseSpec) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": l.lease.ResourceVersion}, "spec": spec})
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

func (l *Lease) path(name string) kube.Path {
	return kube.Path{Version: coordinationv1.SchemeGroupVersion, Namespace: l.Namespace, Resource: "leases", Name: name}
}

func seconds(d time.Duration) *int32 {
	n := int32(d / time.Second)
	return &n
}

func now() *metav1.MicroTime {
	t := metav1.NowMicro()
	return &t
}
