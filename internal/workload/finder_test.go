package workload

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// discovery answers a Finder's calls as a test says, and counts them.
type discovery struct {
	mutex sync.Mutex
	give  func(context.Context, schema.GroupVersion) ([]metav1.APIResource, error)
	asked map[schema.GroupVersion]int
}

func (d *discovery) Resources(ctx context.Context, version schema.GroupVersion) ([]metav1.APIResource, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d.mutex.Lock()
	d.asked[version]++
	give := d.give
	d.mutex.Unlock()
	return give(ctx, version)
}

// Versions are those of a group with one version, where that is served.
func (d *discovery) Versions(ctx context.Context, group string) ([]metav1.GroupVersionForDiscovery, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d.mutex.Lock()
	give := d.give
	d.mutex.Unlock()
	_, err := give(ctx, schema.GroupVersion{Group: group, Version: "v1"})
	return []metav1.GroupVersionForDiscovery{{Version: "v1"}}, err
}

func (d *discovery) answers(give func(context.Context, schema.GroupVersion) ([]metav1.APIResource, error)) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.give = give
}

func (d *discovery) calls(version schema.GroupVersion) int {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.asked[version]
}

func hangs(ctx context.Context, _ schema.GroupVersion) ([]metav1.APIResource, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func serves(resources ...metav1.APIResource) func(context.Context, schema.GroupVersion) ([]metav1.APIResource, error) {
	return func(context.Context, schema.GroupVersion) ([]metav1.APIResource, error) { return resources, nil }
}

func notServed(_ context.Context, version schema.GroupVersion) ([]metav1.APIResource, error) {
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: version.Group}, version.Version)
}

var (
	shop       = schema.GroupVersion{Group: "shop.example.com", Version: "v1"}
	web        = shop.WithKind("Web")
	webs       = metav1.APIResource{Name: "webs", Kind: "Web", Namespaced: true}
	scale      = metav1.APIResource{Name: "webs/scale", Kind: "Scale", Namespaced: true}
	errRefused = errors.New("connection refused")
)

// withFinder runs a test in a time of its own.
func withFinder(t *testing.T, give func(context.Context, schema.GroupVersion) ([]metav1.APIResource, error), test func(*testing.T, *Finder, *discovery)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		api := &discovery{give: give, asked: map[schema.GroupVersion]int{}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		test(t, NewFinder(ctx, api, 2), api)
	})
}

func wantKind(t *testing.T, f *Finder, want Kind) {
	t.Helper()
	if got, err := f.Find(t.Context(), web); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func wantNoKind(t *testing.T, f *Finder, want error) {
	t.Helper()
	if got, err := f.Find(t.Context(), web); !errors.Is(err, want) {
		t.Errorf("got %+v, %v; want the error %v", got, err, want)
	}
}

func TestFinder(t *testing.T) {
	t.Run("an answer is used for a minute", func(t *testing.T) {
		withFinder(t, serves(webs, scale), func(t *testing.T, f *Finder, api *discovery) {
			for range 1000 {
				wantKind(t, f, Kind{shop, "Web", "webs", true, true})
			}
			if n := api.calls(shop); n != 1 {
				t.Errorf("%d calls, want one", n)
			}
			time.Sleep(finderFresh)
			api.answers(serves(metav1.APIResource{Name: "sites", Kind: "Web"}))
			wantKind(t, f, Kind{Version: shop, Name: "Web", Resource: "sites"})
		})
	})
	t.Run("many callers share one call", func(t *testing.T) {
		slow := func(context.Context, schema.GroupVersion) ([]metav1.APIResource, error) {
			time.Sleep(finderWait / 2)
			return []metav1.APIResource{webs}, nil
		}
		withFinder(t, slow, func(t *testing.T, f *Finder, api *discovery) {
			var callers sync.WaitGroup
			var mutex sync.Mutex
			found, asking := 0, 0
			for range 10 {
				callers.Go(func() {
					_, err := f.Find(t.Context(), web)
					mutex.Lock()
					defer mutex.Unlock()
					if err == nil {
						found++
					} else if errors.Is(err, ErrStillAsking) {
						asking++
					}
				})
			}
			callers.Wait()
			if found != 2 || asking != 8 || api.calls(shop) != 1 {
				t.Errorf("%d found it, %d did not wait, in %d calls; want 2, 8, 1", found, asking, api.calls(shop))
			}
			wantKind(t, f, Kind{shop, "Web", "webs", true, false})
		})
	})
	t.Run("a kind that is installed later is found", func(t *testing.T) {
		withFinder(t, notServed, func(t *testing.T, f *Finder, api *discovery) {
			for range 1000 {
				wantNoKind(t, f, ErrNotServed)
			}
			if n := api.calls(shop); n != 1 {
				t.Errorf("%d calls about a version that is not served, want one", n)
			}
			api.answers(serves(metav1.APIResource{Name: "others", Kind: "Other"}))
			time.Sleep(finderNotServed)
			wantNoKind(t, f, ErrNoKind)
			api.answers(serves(webs, scale))
			time.Sleep(finderNotServed)
			wantKind(t, f, Kind{shop, "Web", "webs", true, true})
			api.answers(notServed)
			f.Expire(shop)
			wantNoKind(t, f, ErrNotServed)
		})
	})
	t.Run("a failure leaves the last answer", func(t *testing.T) {
		withFinder(t, serves(webs), func(t *testing.T, f *Finder, api *discovery) {
			wantKind(t, f, Kind{shop, "Web", "webs", true, false})
			api.answers(func(context.Context, schema.GroupVersion) ([]metav1.APIResource, error) { return nil, errRefused })
			time.Sleep(finderFresh)
			wantKind(t, f, Kind{shop, "Web", "webs", true, false})
			wantKind(t, f, Kind{shop, "Web", "webs", true, false})
			if n := api.calls(shop); n != 2 {
				t.Errorf("%d calls, want one more", n)
			}
		})
	})
}

func TestFinderOfAGroupVersionThatNeverAnswers(t *testing.T) {
	t.Run("a caller waits once, and briefly", func(t *testing.T) {
		withFinder(t, hangs, func(t *testing.T, f *Finder, api *discovery) {
			began := time.Now()
			wantNoKind(t, f, ErrStillAsking)
			if took := time.Since(began); took != finderWait {
				t.Errorf("it took %s, want %s", took, finderWait)
			}
			time.Sleep(10 * time.Second) // the call has ended
			began = time.Now()
			for range 100 {
				wantNoKind(t, f, context.DeadlineExceeded)
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("it took %s, want no time", took)
			}
		})
	})
	t.Run("others are not delayed", func(t *testing.T) {
		onlyWebs := func(ctx context.Context, version schema.GroupVersion) ([]metav1.APIResource, error) {
			if version != shop {
				return hangs(ctx, version)
			}
			return []metav1.APIResource{webs}, nil
		}
		withFinder(t, onlyWebs, func(t *testing.T, f *Finder, _ *discovery) {
			for i := range 15 {
				go func() {
					_, _ = f.Find(t.Context(), schema.GroupVersionKind{Group: fmt.Sprintf("hangs-%d.example.com", i), Version: "v1", Kind: "Web"})
				}()
			}
			synctest.Wait()
			wantNoKind(t, f, ErrStillAsking) // enough wait already
			synctest.Wait()
			wantKind(t, f, Kind{shop, "Web", "webs", true, false})
		})
	})
	t.Run("it recovers", func(t *testing.T) {
		withFinder(t, hangs, func(t *testing.T, f *Finder, api *discovery) {
			for range 60 {
				_, _ = f.Find(t.Context(), web)
				time.Sleep(time.Second)
			}
			api.answers(serves(webs))
			began := time.Now()
			for {
				if _, err := f.Find(t.Context(), web); err == nil {
					break
				}
				time.Sleep(time.Second)
			}
			if took := time.Since(began); took > finderLastRetry+11*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	})
	t.Run("its end is that of the context", func(t *testing.T) {
		withFinder(t, hangs, func(t *testing.T, f *Finder, _ *discovery) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := f.Find(ctx, web); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	})
}

func TestFinderIsBounded(t *testing.T) {
	withFinder(t, notServed, func(t *testing.T, f *Finder, _ *discovery) {
		for i := range 3 * finderMostKnown {
			_, _ = f.Find(t.Context(), schema.GroupVersionKind{Group: fmt.Sprintf("%d.example.com", i), Version: "v1", Kind: "Web"})
		}
		if n := len(f.known); n > finderMostKnown {
			t.Errorf("%d group versions are remembered", n)
		}
	})
	withFinder(t, hangs, func(t *testing.T, f *Finder, api *discovery) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range 3 * finderMostKnown {
			_, _ = f.Find(ctx, schema.GroupVersionKind{Group: fmt.Sprintf("%d.example.com", i), Version: "v1", Kind: "Web"})
		}
		synctest.Wait()
		if api.mutex.Lock(); len(api.asked) != finderMostCalls {
			t.Errorf("%d calls at once", len(api.asked))
		}
		api.mutex.Unlock()
	})
}
