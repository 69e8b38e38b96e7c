package workload

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

// ErrStillAsking says that the API has not answered yet. The call goes on, so the caller asks the Finder again later.
var ErrStillAsking = errors.New("the API has not answered yet")

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
	api     Discovery
	waiting chan struct{} // a slot for each caller that may wait at a time
	calls   chan struct{} // a slot for each call

	mutex sync.Mutex
	known map[schema.GroupVersion]*answer // without a version: the group's versions
}

// served is what the API answered: the resources of a group version, or the versions of a group.
type served struct {
	resources []metav1.APIResource
	versions  []metav1.GroupVersionForDiscovery
}

// answer is what is known of one group version, or of a group.
type answer struct {
	served   *served       // as last answered, nil if never
	at       time.Time     // of that answer
	err      error         // of the last call, nil if it succeeded
	retry    time.Time     // after a failure: no call before then
	failures int           // in a row
	asking   chan struct{} // closed when the call under way has ended; nil if there is none
}

// NewFinder gives a Finder that works until ctx is done, and lets at most so many callers wait at a time.
func NewFinder(ctx context.Context, api Discovery, mostWaiting int) *Finder {
	return &Finder{
		ctx: ctx, api: api, waiting: make(chan struct{}, max(1, mostWaiting)), calls: make(chan struct{}, finderMostCalls),
		known: map[schema.GroupVersion]*answer{},
	}
}

// Find gives how the API serves a kind. A kind that was not there is looked for again: it may be installed at any moment.
func (f *Finder) Find(ctx context.Context, kind schema.GroupVersionKind) (Kind, error) {
	found, err := FindKind(ctx, aged{f, finderFresh}, kind)
	if errors.Is(err, ErrNoKind) {
		return FindKind(ctx, aged{f, finderNotServed}, kind)
	}
	return found, err
}

// aged is what the Finder knows, as of no longer ago than age where the API answers.
type aged struct {
	*Finder
	age time.Duration
}

func (a aged) Resources(ctx context.Context, version schema.GroupVersion) ([]metav1.APIResource, error) {
	served, err := a.servedBy(ctx, version, a.age)
	if err != nil {
		return nil, err
	}
	return served.resources, nil
}

func (a aged) Versions(ctx context.Context, group string) ([]metav1.GroupVersionForDiscovery, error) {
	served, err := a.servedBy(ctx, schema.GroupVersion{Group: group}, a.age)
	if err != nil {
		return nil, err
	}
	return served.versions, nil
}

// ask asks for the resources of a group version, or for the versions of a group.
func (f *Finder) ask(version schema.GroupVersion) (*served, error) {
	if version.Version == "" {
		versions, err := f.api.Versions(f.ctx, version.Group)
		return &served{versions: versions}, err
	}
	resources, err := f.api.Resources(f.ctx, version)
	return &served{resources: resources}, err
}

// Expire makes the next caller ask again, after a caller found an answer to be out of date.
func (f *Finder) Expire(version schema.GroupVersion) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if known := f.known[version]; known != nil {
		known.at = time.Time{}
	}
}

// servedBy gives what is served, as of no longer ago than age where the API answers.
func (f *Finder) servedBy(ctx context.Context, version schema.GroupVersion, age time.Duration) (*served, error) {
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
		served, err := f.ask(version)
		f.mutex.Lock()
		defer f.mutex.Unlock()
		known.learn(served, err, time.Now())
		<-f.calls
		close(ended)
	}()
}

// learn notes what a call gave. A failure leaves the answer before as it is; only "not found" replaces it.
func (a *answer) learn(served *served, err error, now time.Time) {
	a.asking, a.err = nil, err
	switch {
	case err == nil:
		a.served, a.at, a.failures, a.retry = served, now, 0, time.Time{}
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
