// Package lease keeps a second autoscaler of the same object out: of several that run, the one that holds the object's
// Lease scales, and the others wait until it is free.
//
// A pod that is replaced gives its lease back when it stops. One whose node is cut off from the cluster does not know that
// it has been replaced: it stops scaling before its lease can be taken by another. Every error, also a 403, means that the
// lease is not renewed.
package lease

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// A thousand autoscalers renew their leases at the same API server, so that is done seldom:
//
//	renewed             renewed again                 not believed any more      may be taken by another
//	|........ 15s ......|..................................... 45s ..............| 60s after it was last seen to change
//
// These times are the same for every autoscaler, and no record changes them: a duration that somebody wrote into the Lease
// would let another autoscaler in too early, or keep all of them out. The 15 seconds between the last two are for clocks
// that differ in speed, and for a write that was sent before the lease ended and takes effect after it.
const (
	renewed  = 15 * time.Second
	believed = 45 * time.Second
	expires  = 60 * time.Second
	retried  = 2 * time.Second // while another holds it, or the API does not answer
)

// longest is how long one try may take: a call that hangs must not cost the lease.
const longest = 10 * time.Second

// LongestConfirm is how long Confirm may take: a try that is under way, and its own.
const LongestConfirm = 2 * longest

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
	Holder    string                // the identity of this process: no other one that is alive has it, see NewIdentity
	Log       *slog.Logger
	Wrote     func(error) // is told of each try; nil where it succeeded

	lease *coordinationv1.Lease    // as it was when we last wrote it, or nil: then it has to be read
	since time.Time                // when the record of another holder was last seen to change
	seen  coordinationv1.LeaseSpec // that record

	setUp    sync.Once
	tried    chan struct{}      // closed when the first try has ended
	stopped  chan struct{}      // closed when Run has ended
	confirms chan chan struct{} // asks Run to renew the lease now, and is closed when it has tried
	writing  chan struct{}      // holds one token while a write is under way

	mutex sync.Mutex
	until time.Time // when we hold it
	wall  time.Time // the same by the wall clock: while a machine is suspended the monotonic one may stand still
	why   error     // why not, or why it could not be renewed
}

// NotHeldError says why this autoscaler may not scale: another one may be scaling.
type NotHeldError struct{ Err error }

func (e NotHeldError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e NotHeldError) Unwrap() error { return e.Err }

func (l *Lease) init() {
	l.setUp.Do(func() {
		l.tried, l.stopped = make(chan struct{}), make(chan struct{})
		l.confirms, l.writing = make(chan chan struct{}), make(chan struct{}, 1)
	})
}

// Held gives a NotHeldError that says why another may be scaling, or nil.
func (l *Lease) Held() error {
	_, err := l.held()
	return err
}

// held gives the time until which the lease is held, by both clocks.
func (l *Lease) held() (until time.Time, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now := time.Now()
	switch {
	case now.Before(l.until) && now.Round(0).Before(l.wall):
		return l.until, nil
	case l.why != nil:
		return time.Time{}, NotHeldError{l.why}
	case !l.until.IsZero():
		return time.Time{}, NotHeldError{fmt.Errorf("the lease %q has ended: it was not renewed for %s", l.Name, believed)}
	}
	return time.Time{}, NotHeldError{fmt.Errorf("the lease %q is not held yet", l.Name)}
}

// Check is Held, after the first try to take the lease: waiting for that is no failure.
func (l *Lease) Check(ctx context.Context) error {
	l.init()
	select {
	case <-l.tried:
	case <-ctx.Done():
		return ctx.Err()
	}
	return l.Held()
}

// Confirm renews the lease for a write that follows at once, and gives a context for that write, which ends before the
// lease does. Whatever happened to the Lease since it was last renewed, the write begins only if it is still ours: it may
// have expired while user logic was running, or while this process was suspended, and somebody may have deleted or changed
// it. The lease is not given back before done is called.
func (l *Lease) Confirm(ctx context.Context) (write context.Context, done func(), err error) {
	l.init()
	select {
	case l.writing <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	until, err := l.renewNow(ctx)
	if err != nil {
		<-l.writing
		return nil, nil, err
	}
	write, cancel := context.WithDeadline(ctx, until)
	return write, func() { cancel(); <-l.writing }, nil
}

// renewNow has Run renew the lease. A lease that is held but was not renewed is not enough.
func (l *Lease) renewNow(ctx context.Context) (until time.Time, err error) {
	if err := l.Check(ctx); err != nil {
		return time.Time{}, err
	}
	began, tried := time.Now(), make(chan struct{})
	select {
	case l.confirms <- tried:
		<-tried // within the longest time of a try
	case <-l.stopped:
		return time.Time{}, l.notRenewed()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	if until, err = l.held(); err != nil || !until.Before(began.Add(believed)) {
		return until, err
	}
	return time.Time{}, l.notRenewed()
}

// notRenewed is why a lease that is still held could not be renewed.
func (l *Lease) notRenewed() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.why == nil { // the try was cut short
		return NotHeldError{fmt.Errorf("the lease %q is not renewed any more: the autoscaler is stopping", l.Name)}
	}
	return NotHeldError{l.why}
}

// Run takes the lease when it is free, and renews it, until ctx is done.
func (l *Lease) Run(ctx context.Context) {
	l.init()
	defer close(l.stopped)
	held := l.try(ctx)
	close(l.tried)
	for ctx.Err() == nil {
		wait := renewed
		if !held {
			wait = retried
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			held = l.try(ctx)
		case asked := <-l.confirms:
			held = l.try(ctx)
			close(asked)
		}
	}
}

// Release lets others have it at once, after Run and after the last write. It is read anew, since the last try may have
// been cut short. Without an answer the lease expires by itself.
func (l *Lease) Release(ctx context.Context) {
	l.init()
	l.note(time.Time{}, fmt.Errorf("the lease %q was given back", l.Name))
	select {
	case l.writing <- struct{}{}:
		defer func() { <-l.writing }()
	case <-ctx.Done():
		return
	}
	l.lease = &coordinationv1.Lease{}
	err := l.API.Get(ctx, l.path(l.Name), l.lease)
	if err != nil || holderOf(l.lease.Spec) != l.Holder {
		return
	}
	l.Wrote(l.patch(ctx, map[string]any{"holderIdentity": "", "renewTime": metav1.NowMicro()}))
}

// try takes or renews it once, and tells whether it is held.
func (l *Lease) try(ctx context.Context) bool {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	held, err := l.hold(limited)
	if changed := apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err); changed {
		l.lease = nil // somebody changed, created or deleted it since we read it: what is it now?
		held, err = l.hold(limited)
	}
	if ctx.Err() != nil {
		return held
	}
	l.Wrote(l.explain(err))
	switch {
	case err != nil:
		l.lease = nil
		l.note(l.until, l.explain(err))
	case held:
		l.note(began.Add(believed), nil)
	default:
		l.note(time.Time{}, l.waiting())
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
	l.until, l.wall, l.why = until, until.Round(0), why
}
