package report

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Health tells whether the loop is alive, and whether it is ready to scale.
type Health struct {
	now   func() time.Time
	limit time.Duration // that may go by without the end of a pass

	mutex     sync.Mutex
	ended     time.Time // when the last pass of the loop did, or until when none is due
	succeeded time.Time // when the last pass did, or the start
	read      bool      // the target, once at least
	mistakes  int       // how many passes in a row failed for an error that somebody has to do something about
	mistaken  time.Time // when the first of them ended
}

// tolerated is how long passes may fail for the configuration or for rights before it counts: an API server that starts
// answers 403 or 404 for some seconds, and one failed pass of a long interval says nothing about the next.
const (
	tolerated       = 30 * time.Second
	toleratedPasses = 1
)

// NewHealth waits for the first pass from when it is due. Then passes have to end within the limit of one another.
func NewHealth(now func() time.Time, firstIn, limit time.Duration) *Health {
	return &Health{now: now, limit: limit, ended: now().Add(firstIn), succeeded: now()}
}

// Pass is a Watcher.
func (h *Health) Pass(_ context.Context, p pass.Pass) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	now := h.now()
	if p.RunType == userlogic.Scaler {
		h.ended = now
	}
	h.read = h.read || p.Target.Name != ""
	switch failure := p.Failure; {
	case failure != nil && lasts(failure.Err):
		if h.mistakes++; h.mistakes == 1 {
			h.mistaken = now
		}
		return
	case failure == nil && !p.DryRun():
		h.succeeded = now
	}
	h.mistakes = 0
}

// lasts tells an error that somebody has to do something about.
func lasts(err error) bool { return !fault.Of(err).Retry }

// Alive gives an error when the loop seems to hang.
func (h *Health) Alive() error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if silent := h.now().Sub(h.ended); silent > h.limit {
		return fmt.Errorf("no pass has ended for %s, and with all timeouts it takes %s at most", silent.Round(time.Millisecond), h.limit)
	}
	return nil
}

// Ready gives an error until the target has been read, and while passes fail for the configuration or for rights for longer
// than is tolerated.
func (h *Health) Ready() error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	lasting := h.mistakes > toleratedPasses && h.now().Sub(h.mistaken) >= tolerated
	switch {
	case h.mistakes > 0 && (lasting || !h.read): // which is for those who may see the log
		return errors.New("the last pass failed for the configuration, or for rights that are missing: the log and /api/v1/decisions say which")
	case !h.read:
		return errors.New("the target has not been read yet")
	}
	return nil
}

// SinceSuccess is how long ago the last pass succeeded, in seconds.
func (h *Health) SinceSuccess() float64 {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.now().Sub(h.succeeded).Seconds()
}
