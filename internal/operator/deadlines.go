package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

const (
	// slowList is how long a list of a cache may take to arrive once it has begun to: it may be long.
	slowList = time.Minute

	// The API server may be starting, too. So the first call is repeated for a while before the operator gives up, and leaves it
	// to Kubernetes to start it again.
	startPatience, startRetry = 15 * time.Second, time.Second
)

// errCut says that something was still under way when the time was over.
var errCut = errors.New("something did not end")

// endWithin runs until run returns or, after ctx is done, until the limit. What run leaves then ends with the program.
func endWithin(ctx context.Context, limit time.Duration, run func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return fmt.Errorf("%w within %s", errCut, limit)
	}
}

// patiently repeats a call that fails, for a while, and gives its last error.
func patiently(ctx context.Context, call func(context.Context) error) error {
	for began := time.Now(); ; {
		err := call(ctx)
		if err == nil || ctx.Err() != nil || time.Since(began) > startPatience {
			return err
		}
		select {
		case <-time.After(startRetry):
		case <-ctx.Done():
		}
	}
}

// bounded gives a connection whose calls all have a deadline. rest.Config.Timeout would end watches, too.
func bounded(connection *rest.Config, limit time.Duration) *rest.Config {
	connection = rest.CopyConfig(connection)
	connection.Wrap(func(next http.RoundTripper) http.RoundTripper { return deadlines{next, limit} })
	return connection
}

// deadlines bounds calls:
//
//	a call                 its answer begins within   and ends within
//	of a watch             limit                      -
//	of a cache's list      limit                      slowList more
//	any other              limit                      the same limit
type deadlines struct {
	next  http.RoundTripper
	limit time.Duration
}

// RoundTrip makes one call.
func (d deadlines) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(d.limit, func() { cancel(context.DeadlineExceeded) })
	response, err := d.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		timer.Stop()
		if context.Cause(ctx) == context.DeadlineExceeded && request.Context().Err() == nil {
			err = fmt.Errorf("no answer within %s: %w", d.limit, context.DeadlineExceeded)
		}
		cancel(nil)
		return nil, err
	}
	query := request.URL.Query()
	switch {
	case query.Has("watch"):
		timer.Stop()
	case query.Has("resourceVersion"):
		timer.Reset(slowList)
	}
	response.Body = &endingBody{response.Body, func() { timer.Stop(); cancel(nil) }}
	return response, nil
}

// endingBody releases what bounds a call when its answer has been read.
type endingBody struct {
	io.ReadCloser
	end func()
}

// Close ends the call.
func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// cacheUntil makes caches that nothing waits for any more once ctx is done. The manager's start would wait for ever for caches
// that cannot be filled, even when it is asked to end.
func cacheUntil(ctx context.Context) cache.NewCacheFunc {
	return func(connection *rest.Config, options cache.Options) (cache.Cache, error) {
		inner, err := cache.New(connection, options)
		return endingCache{inner, ctx}, err
	}
}

type endingCache struct {
	cache.Cache
	until context.Context
}

// WaitForCacheSync waits until the caches are filled, or nothing is to wait for them any more.
func (c endingCache) WaitForCacheSync(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.until, cancel)()
	return c.Cache.WaitForCacheSync(ctx) || c.until.Err() != nil
}
