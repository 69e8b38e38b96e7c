package telemetry

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// flush is the reason of an event that is never written: when it arrives at the sink, all before it have.
const flush = "flush"

// longestMessage is what Kubernetes allows for the message of an event.
const longestMessage = 1000

// Events writes Kubernetes Events in the background, each several times if need be. Events that are alike are counted up
// in one, and of many about one object most are dropped, as for the HorizontalPodAutoscaler.
type Events struct {
	recorder record.EventRecorder
	cancel   context.CancelFunc
	flushed  chan struct{}
}

// NewEvents gives a recorder that works until Close, also when ctx is done by then; its sink is made for a context that
// lives as long. The source is the component that an event is said to be from.
func NewEvents(ctx context.Context, source string, sink func(context.Context) record.EventSink) *Events {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e := &Events{cancel: cancel, flushed: make(chan struct{})}
	// The sink tells of its errors itself; the recorder would print whole events.
	quiet := klog.NewContext(ctx, logr.FromSlogHandler(slog.DiscardHandler))
	broadcaster := record.NewBroadcaster(record.WithContext(quiet))
	broadcaster.StartRecordingToSink(flushing{sink(ctx), e.flushed})
	e.recorder = broadcaster.NewRecorder(runtime.NewScheme(), corev1.EventSource{Component: source})
	return e
}

// Event is about an object, of the type Normal or Warning. It does not wait.
func (e *Events) Event(about corev1.ObjectReference, kind, reason, message string) {
	e.recorder.Event(&about, kind, reason, text.Clip(message, longestMessage))
}

// Close waits for what is still to be written, until ctx is done.
func (e *Events) Close(ctx context.Context) {
	e.Event(corev1.ObjectReference{Kind: flush, Namespace: flush, Name: flush}, corev1.EventTypeNormal, flush, flush)
	select {
	case <-e.flushed:
	case <-ctx.Done():
	}
	e.cancel()
}

// flushing is a sink that notices the last event.
type flushing struct {
	record.EventSink
	flushed chan struct{}
}

func (f flushing) Create(event *corev1.Event) (*corev1.Event, error) {
	if event.Reason == flush {
		close(f.flushed)
		return event, nil
	}
	return f.EventSink.Create(event)
}
