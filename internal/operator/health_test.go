package operator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func requestFor(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "shop", Name: name}}
}

func TestHealthFailsWhileAReconcileIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		ignoresItsContext := reconcile.Func(func(_ context.Context, request reconcile.Request) (reconcile.Result, error) {
			if request.Name == "stuck" {
				<-release
			}
			return reconcile.Result{}, nil
		})
		health := &working{next: ignoresItsContext}
		ctx, cancel := context.WithTimeout(t.Context(), atMost)
		defer cancel()
		go func() { _, _ = health.Reconcile(ctx, requestFor("stuck")) }()
		time.Sleep(stuck)
		_, _ = health.Reconcile(ctx, requestFor("fine"))
		if err := health.check(nil); err != nil {
			t.Errorf("after %s: %v", stuck, err)
		}
		time.Sleep(time.Second)
		if err := health.check(nil); err == nil || !strings.Contains(err.Error(), "shop/stuck takes 2m1s already") {
			t.Errorf("after %s it says %v", stuck+time.Second, err)
		}
		close(release)
		synctest.Wait()
		if err := health.check(nil); err != nil || len(health.began) != 0 {
			t.Errorf("once it has ended: %v, %v", err, health.began)
		}
	})
}

func TestHealthSurvivesAPanic(t *testing.T) {
	health := &working{next: reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) { panic("it") })}
	func() {
		defer func() { _ = recover() }()
		_, _ = health.Reconcile(t.Context(), requestFor("broken"))
	}()
	if len(health.began) != 0 {
		t.Errorf("it is still taken to run: %v", health.began)
	}
}

func TestEndWithin(t *testing.T) {
	failed := errors.New("failed")
	for _, row := range []struct {
		name string
		run  func(context.Context) error
		want error
		took time.Duration // after it was asked to end
	}{
		{"what ends at once", func(ctx context.Context) error { <-ctx.Done(); return nil }, nil, 0},
		{"what takes a while", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); return failed }, failed, time.Second},
		{"what ignores its context", func(context.Context) error { time.Sleep(time.Hour); return nil }, errCut, stopping},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				err := endWithin(ctx, stopping, row.run)
				if took := time.Since(began) - time.Minute; !errors.Is(err, row.want) || took != row.took {
					t.Errorf("got %v after %s, want %v after %s", err, took, row.want, row.took)
				}
				time.Sleep(time.Hour) // until the last of it has ended
			})
		})
	}
	t.Run("what fails before it is asked to end", func(t *testing.T) {
		if err := endWithin(t.Context(), stopping, func(context.Context) error { return failed }); err != failed {
			t.Errorf("got %v", err)
		}
	})
	if all := runnables + closing; all >= stopping || stopping >= 10*time.Second {
		t.Errorf("stopping may take %s, of %s", all, stopping)
	}
}

func TestPatiently(t *testing.T) {
	failed := errors.New("failed")
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		if err := patiently(t.Context(), func(context.Context) error {
			if calls++; calls < 5 {
				return failed
			}
			return nil
		}); err != nil || calls != 5 {
			t.Errorf("a failure that passes: %v after %d calls", err, calls)
		}
		began := time.Now()
		if err := patiently(t.Context(), func(context.Context) error { return failed }); err != failed {
			t.Errorf("a failure that lasts: %v", err)
		}
		if took := time.Since(began); took < startPatience || took > startPatience+2*startRetry {
			t.Errorf("a failure that lasts is given up after %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		began = time.Now()
		if err := patiently(ctx, func(context.Context) error { return failed }); err != failed || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("asked to end: %v after %s", err, time.Since(began))
		}
	})
}
