package telemetry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// sink notes what is written, and fails so often before.
type sink struct {
	mutex sync.Mutex
	fails int
	notes []string
	ctx   context.Context
}

func (s *sink) Create(event *corev1.Event) (*corev1.Event, error) { return event, s.note(event) }
func (s *sink) Update(event *corev1.Event) (*corev1.Event, error) { return event, s.note(event) }
func (s *sink) Patch(event *corev1.Event, _ []byte) (*corev1.Event, error) {
	return event, s.note(event)
}

func (s *sink) note(event *corev1.Event) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.fails > 0 {
		s.fails--
		return errors.New("away")
	}
	s.notes = append(s.notes, event.InvolvedObject.Name+" "+event.Reason)
	return nil
}

func eventsTo(t *testing.T, s *sink) *Events {
	t.Helper()
	return NewEvents(t.Context(), "test", func(ctx context.Context) record.EventSink { s.ctx = ctx; return s })
}

var web = corev1.ObjectReference{Kind: "Deployment", Namespace: "shop", Name: "web"}

func TestWhatWasSaidLastIsStillWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		events := eventsTo(t, s)
		events.Event(web, corev1.EventTypeNormal, "SuccessfulRescale", "New size: 2")
		events.Event(web, corev1.EventTypeWarning, "FailedGetScale", "no cluster")
		events.Close(t.Context())
		if want := []string{"web SuccessfulRescale", "web FailedGetScale"}; !slices.Equal(s.notes, want) {
			t.Errorf("got %q, want %q", s.notes, want)
		}
		if s.ctx.Err() == nil {
			t.Error("after the end, calls of the sink could still be made")
		}
	})
}

func TestAnEventIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{fails: 3}
		events := eventsTo(t, s)
		events.Event(web, corev1.EventTypeNormal, "SuccessfulRescale", "New size: 2")
		time.Sleep(time.Minute) // of the bubble: the recorder tries every ten seconds
		events.Close(t.Context())
		if want := []string{"web SuccessfulRescale"}; !slices.Equal(s.notes, want) {
			t.Errorf("got %q, want %q", s.notes, want)
		}
	})
}

func TestTheEndDoesNotWaitForASinkThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := eventsTo(t, &sink{fails: 1000})
		events.Event(web, corev1.EventTypeNormal, "SuccessfulRescale", "New size: 2")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		events.Close(ctx)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %s, want just the three seconds that it had", took)
		}
	})
}

func TestALongMessageIsCutWhereKubernetesWouldRefuseIt(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{strings.Repeat("e", 1000), strings.Repeat("e", 1000)},
		{"e" + strings.Repeat("é", 900), "e" + strings.Repeat("é", 499) + "…"},
	} {
		if got := text.Clip(row.text, longestMessage); got != row.want || len(got) > 1024 {
			t.Errorf("got %d bytes: %q", len(got), got)
		}
	}
}
