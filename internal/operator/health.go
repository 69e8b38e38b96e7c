package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

// stuck is how long a reconcile may run before the operator is taken for dead. Its context ends after half of that.
const stuck = 2 * atMost

// working passes reconciles on, and knows since when those under way run.
type working struct {
	next reconcile.Reconciler

	mutex sync.Mutex
	began map[reconcile.Request]time.Time
}

// Reconcile is that of the reconciler behind it.
func (w *working) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	w.note(request, time.Now())
	defer w.forget(request)
	return w.next.Reconcile(ctx, request)
}

func (w *working) note(request reconcile.Request, now time.Time) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.began == nil {
		w.began = map[reconcile.Request]time.Time{}
	}
	w.began[request] = now
}

func (w *working) forget(request reconcile.Request) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.began, request)
}

// check fails while a reconcile is stuck: it ignores the end of its context, so only a new start of the program helps.
func (w *working) check(*http.Request) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return stuckAt(w.began, time.Now())
}

func stuckAt(began map[reconcile.Request]time.Time, now time.Time) error {
	for request, at := range began {
		if running := now.Sub(at); running > stuck {
			return fmt.Errorf("reconciling %s takes %s already, and should take %s at most", request, running.Round(time.Second), atMost)
		}
	}
	return nil
}

// filledCaches tells whether the operator has seen the cluster.
type filledCaches struct {
	cache   cache.Cache
	elected <-chan struct{}
	synced  atomic.Bool
}

// addReadiness makes the operator ready once the caches that it starts with are filled, and when it leads, those of all kinds. An
// operator that waits for its turn is ready, so that a rollout does not wait for it.
func addReadiness(manager ctrl.Manager) error {
	ready := &filledCaches{cache: manager.GetCache(), elected: manager.Elected()}
	if err := manager.Add(ready); err != nil {
		return err
	}
	return manager.AddReadyzCheck("caches", ready.check)
}

// Start is called when the caches that the manager starts with are filled.
func (r *filledCaches) Start(context.Context) error {
	r.synced.Store(true)
	return nil
}

// NeedLeaderElection is false: an operator that does not lead is ready, too.
func (r *filledCaches) NeedLeaderElection() bool { return false }

func (r *filledCaches) check(request *http.Request) error {
	if !r.synced.Load() {
		return errors.New("the caches are not filled yet: does the API server answer, and may the operator list and watch?")
	}
	select {
	case <-r.elected:
	default:
		return nil
	}
	kinds := []client.Object{&cpav1.CustomPodAutoscaler{}}
	for _, kind := range plan.Made {
		kinds = append(kinds, plan.OfKind(kind))
	}
	for _, kind := range kinds {
		informer, err := r.cache.GetInformer(request.Context(), kind, cache.BlockUntilSynced(false))
		if err != nil {
			return err
		}
		if !informer.HasSynced() {
			return fmt.Errorf("the cache of %T %s is not filled yet", kind, kind.GetObjectKind().GroupVersionKind().Kind)
		}
	}
	return nil
}
