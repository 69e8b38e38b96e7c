package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

const (
	// grace is how long a failure that may pass is retried before it is reported. An API server that starts answers 403 until it
	// has loaded its roles, and 401 or 404 until it has loaded what else it serves by, which takes a few seconds.
	grace = 10 * time.Second

	// While it may pass it is retried no more often than plan.Soon, and no less often than this.
	passingRetry = 4 * time.Second
)

// passingError is a failure that may pass though its cause does not tell.
type passingError struct{ error }

func (p passingError) Unwrap() error { return p.error }

// passing remembers since when objects have had failures that may pass.
type passing struct {
	mutex sync.Mutex
	since map[types.NamespacedName]time.Time
}

// retryIn tells in what time an object is tried again without a word about its failure; zero if there is none, if it
// does not pass, or if it has lasted.
func (p *passing) retryIn(object types.NamespacedName, err error, now time.Time) time.Duration {
	if !mayPass(err) {
		p.forget(object)
		return 0
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	since, failed := p.since[object]
	if !failed {
		if p.since == nil {
			p.since = map[types.NamespacedName]time.Time{}
		}
		p.since[object], since = now, now
	}
	lasted := now.Sub(since)
	if lasted >= grace {
		return 0
	}
	return min(max(lasted, plan.Soon), passingRetry) // 1, 1, 2, 4, 4 seconds
}

func (p *passing) forget(object types.NamespacedName) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.since, object)
}

// mayPass tells the failures that an API server has when it starts, or that go away when it is asked again.
func mayPass(err error) bool {
	if _, marked := errors.AsType[passingError](err); marked {
		return true
	}
	if _, trouble := errors.AsType[plan.TroubleError](err); trouble {
		return false
	}
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || kube.IsNotServed(err)
}

// explained says what is wrong with an object whose failure has lasted.
func (r *Reconciler) explained(ctx context.Context, err error) error {
	if refused, ok := errors.AsType[forbiddenError](err); ok {
		return r.forbidden(ctx, refused.error, refused.namespace, refused.needed)
	}
	_, trouble := errors.AsType[plan.TroubleError](err)
	if _, lasted := errors.AsType[passingError](err); lasted && !trouble {
		return plan.Trouble("Failed", err)
	}
	return err
}

// ownWords is a failed call in the API's own words: the hints of package kube are for an autoscaler.
func ownWords(err error) error {
	call, ok := errors.AsType[*kube.Error](err)
	switch {
	case !ok:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer within %s: %w", call.Path, OneCall, call.Err)
	}
	return call.Err
}
