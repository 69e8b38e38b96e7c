package workload

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// Watch is a Reader for a program that goes on. It keeps the pods by a watch, where it may, and lists them at each pass where
// it may not.
type Watch struct {
	*Reader
	write bool              // whether pods are kept as user code is given them, too
	trim  func(*corev1.Pod) // takes off what nobody else reads
	tried func(error)       // is told of each try; nil where it succeeded

	asked chan pursuit // holds the newest one, until Run has come to it
	mutex sync.Mutex
	now   pursuit
}

// pursuit is a selector that is followed, and where its pods are kept.
type pursuit struct {
	selector labels.Selector
	kept     *podStore
}

// NewWatch gives one that follows nothing before Run.
func NewWatch(reader *Reader, write bool, trim func(*corev1.Pod), tried func(error)) *Watch {
	return &Watch{Reader: reader, write: write, trim: trim, tried: tried, asked: make(chan pursuit, 1)}
}

// Pods gives the snapshot's pods, by name. The first time it waits for the watch to have them,
// no longer than for a list.
func (w *Watch) Pods(ctx context.Context, snapshot Snapshot) ([]Pod, error) {
	if snapshot.Selector == nil {
		return nil, nil
	}
	kept := w.followed(snapshot.Selector)
	timer := time.NewTimer(w.api.Timeout())
	defer timer.Stop()
	select {
	case <-kept.settled:
	case <-ctx.Done():
	case <-timer.C:
	}
	if pods, whole := kept.pods(); whole {
		return pods, nil
	}
	return w.Reader.Pods(ctx, snapshot)
}

// followed is where the pods of a selector are kept; those of another one than before are yet to come.
func (w *Watch) followed(selector labels.Selector) *podStore {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.now.selector == nil || w.now.selector.String() != selector.String() {
		select {
		case <-w.asked: // of the selector before, which nobody has come to
		default:
		}
		w.now = pursuit{selector, newPodStore(w.write, w.trim, func() { w.tried(nil) })}
		w.asked <- w.now
	}
	return w.now.kept
}

// Run follows what is asked for until ctx is done.
func (w *Watch) Run(ctx context.Context) {
	var following sync.WaitGroup
	defer following.Wait()
	for stop := func() {}; ; {
		select {
		case <-ctx.Done():
			stop()
			return
		case next := <-w.asked:
			stop()
			following.Wait()
			var ended context.Context
			ended, stop = context.WithCancel(ctx)
			following.Go(func() { w.follow(ended, next) })
		}
	}
}

// How long it is until the next try: it doubles. What is forbidden again and again is likely to stay so; a single 403 may
// come from an API server that is starting.
const (
	shortestPause, longestPause = time.Second, 30 * time.Second
	longestPauseOfForbidden     = 10 * time.Minute
)

// pauseAfter is the pause after a failure that follows another pause.
func pauseAfter(pause time.Duration, err error) time.Duration {
	if apierrors.IsForbidden(err) {
		return min(2*pause, longestPauseOfForbidden)
	}
	return min(2*pause, longestPause)
}

// follow fills the store, and keeps it whole.
func (w *Watch) follow(ctx context.Context, p pursuit) {
	path := kube.Path{Version: corev1.SchemeGroupVersion, Namespace: w.namespace, Resource: "pods"}
	silent := logr.FromSlogHandler(slog.DiscardHandler) // who is told is told by tried
	pods := w.api.ListWatch(path, kube.Selected(p.selector), func() runtime.Object { return &corev1.PodList{} })
	reflector := cache.NewReflectorWithOptions(pods, &corev1.Pod{}, p.kept, cache.ReflectorOptions{Logger: &silent})
	for pause := shortestPause; ctx.Err() == nil; {
		switch err := reflector.ListAndWatchWithContext(klog.NewContext(ctx, silent)); {
		case err == nil || ctx.Err() != nil:
			pause = shortestPause
		default:
			p.kept.incomplete()
			w.tried(err)
			pause = pauseAfter(pause, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
