package target

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// finderWait is how long a caller waits for an answer. An API server answers within milliseconds.
	finderWait = time.Second

	// finderFresh is how long an answer is used without asking again.
	finderFresh = time.Minute

	// finderNotServed is how long a group version that is not served is remembered: many objects may have such a target.
	finderNotServed = time.Second

	// A failed call is repeated no earlier than this, doubling from the first to the last.
	finderFirstRetry, finderLastRetry = time.Second, 30 * time.Second

	// finderMostCalls bounds the calls under way, finderMostKnown the group versions that are remembered.
	finderMostCalls, finderMostKnown = 16, 256
)

// ErrNotServed says that the API serves no such group version, ErrNoKind that the group version has no such kind.
var (
	ErrNotServed = errors.New("the API does not serve it")
	ErrNoKind    = errors.New("the group version has no such kind")
)

// ErrStillAsking says that the API has not answered yet. The call goes on, so the caller asks the Finder again later.
var ErrStillAsking = errors.New("the API has not answered yet")

// ServedResources asks the API what a group version serves. It ends within a deadline of its own.
type ServedResources func(context.Context, schema.GroupVersion) ([]metav1.APIResource, error)

// Finder finds how the API serves kinds, for many callers at once. It makes one call for each group version, outside of any lock and
// outside of its callers, so that a group version that never answers delays only the callers that need it, and these
// only once:
//
//	the group version          a caller gets
//	known, for a minute        the answer
//	unknown                    the answer, or ErrStillAsking after a second, or at once if enough callers wait already
//	not served                 ErrNotServed; the next caller asks again
//	failed                     the answer before, otherwise the failure; a call in the background finds out when it recovers
type Finder struct {
	ctx     context.Context // ends the calls
	ask     ServedResources
	waiting chan struct{} // a slot for each caller that may wait at a time
	calls   chan struct{} // a slot for each call

	mutex sync.Mutex
	known map[schema.GroupVersion]*answer
}

// answer is what is known of one group version.
type answer struct {
	served   []metav1.APIResource // as last answered, nil if never
	at       time.Time            // of that answer
	err      error                // of the last call, nil if it succeeded
	retry    time.Time            // after a failure: no call before then
	failures int                  // in a row
	asking   chan struct{}        // closed when the call under way has ended; nil if there is none
}

// NewFinder gives a Finder that works until ctx is done, and lets at most so many callers wait at a time.
func NewFinder(ctx context.Context, ask ServedResources, mostWaiting int) *Finder {
	return &Finder{
		ctx: ctx, ask: ask, waiting: make(chan struct{}, max(1, mostWaiting)), calls: make(chan struct{}, finderMostCalls),
		known: map[schema.GroupVersion]*answer{},
	}
}

// Find gives how the API serves a kind. A kind that was not there is looked for again: it may be installed at any moment.
func (f *Finder) Find(ctx context.Context, kind schema.GroupVersionKind) (Kind, error) {
	for _, age := range []time.Duration{finderFresh, finderNotServed} {
		served, err := f.servedBy(ctx, kind.GroupVersion(), age)
		if apierrors.IsNotFound(err) {
			return Kind{}, fmt.Errorf("%s: %w", kind.GroupVersion(), ErrNotServed)
		}
		if err != nil {
			return Kind{}, err
		}
		if found, ok := kindOf(served, kind.Kind); ok {
			return found, nil
		}
	}
	return Kind{}, fmt.Errorf("%s in %s: %w", kind.Kind, kind.GroupVersion(), ErrNoKind)
}

// Expire makes the next caller ask again, after a caller found an answer to be out of date.
func (f *Finder) Expire(version schema.GroupVersion) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if known := f.known[version]; known != nil {
		known.at = time.Time{}
	}
}

// servedBy gives what a group version serves, as of no longer ago than age where the API answers.
func (f *Finder) servedBy(ctx context.Context, version schema.GroupVersion, age time.Duration) ([]metav1.APIResource, error) {
	known, ended := f.look(version, age)
	if ended != nil {
		f.wait(ctx, ended)
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case known.served != nil:
		return known.served, nil
	case known.err != nil:
		return nil, known.err
	}
	return nil, fmt.Errorf("%s: %w", version, ErrStillAsking)
}

// look gives what is known of a group version, and starts a call if that is out of date. It gives the end of the call
// if that is worth waiting for: a call after one that was not answered is not.
func (f *Finder) look(version schema.GroupVersion, age time.Duration) (*answer, <-chan struct{}) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	now := time.Now()
	known := f.known[version]
	if known == nil {
		f.makeRoom()
		known = &answer{}
		f.known[version] = known
	}
	if known.err == nil && now.Sub(known.at) < age {
		return known, nil
	}
	if known.asking == nil && !now.Before(known.retry) {
		f.start(version, known)
	}
	if errors.Is(known.err, context.DeadlineExceeded) {
		return known, nil
	}
	return known, known.asking
}

// start starts a call, unless there are too many.
func (f *Finder) start(version schema.GroupVersion, known *answer) {
	select {
	case f.calls <- struct{}{}:
	default:
		return
	}
	ended := make(chan struct{})
	known.asking = ended
	go func() {
		served, err := f.ask(f.ctx, version)
		f.mutex.Lock()
		defer f.mutex.Unlock()
		known.learn(served, err, time.Now())
		<-f.calls
		close(ended)
	}()
}

// learn notes what a call gave. A failure leaves the answer before as it is; only "not found" replaces it.
func (a *answer) learn(served []metav1.APIResource, err error, now time.Time) {
	a.asking, a.err = nil, err
	switch {
	case err == nil:
		a.served, a.at, a.failures, a.retry = append([]metav1.APIResource{}, served...), now, 0, time.Time{} // never nil
	case apierrors.IsNotFound(err):
		a.served, a.failures, a.retry = nil, 0, now.Add(finderNotServed)
	default:
		a.retry = now.Add(min(finderFirstRetry<<min(a.failures, 10), finderLastRetry))
		a.failures++
	}
}

// wait waits for the end of a call, but not for long, and not at all if enough others do.
func (f *Finder) wait(ctx context.Context, ended <-chan struct{}) {
	select {
	case f.waiting <- struct{}{}:
		defer func() { <-f.waiting }()
	default:
		return
	}
	enough := time.NewTimer(finderWait)
	defer enough.Stop()
	select {
	case <-ended:
	case <-enough.C:
	case <-ctx.Done():
	}
}

// makeRoom forgets what no call is under way for, if too much is known: first what is not served.
func (f *Finder) makeRoom() {
	for _, all := range []bool{false, true} {
		for version, known := range f.known {
			if len(f.known) < finderMostKnown {
				return
			}
			if known.asking == nil && (all || known.served == nil) {
				delete(f.known, version)
			}
		}
	}
}
