package autoscaler

import (
	"context"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Run makes a pass at every tick until ctx is done:
//
//	now ....... next multiple of StartTime ....... + Interval ....... + 2 Interval
//	            ticks are counted from here        first pass         second pass
//
// A pass that takes longer than the interval lets the ticks that it missed go by. A failed pass scales nothing, and
// the next one starts as if it had not been.
func (a *Autoscaler) Run(ctx context.Context) {
	delay := untilMultiple(time.Now(), a.settings.StartTime)
	a.parts.Log.Info("started", "firstPassIn", delay+a.settings.Interval, "interval", a.settings.Interval)
	select {
	case <-ctx.Done():
		return
	case <-time.After(delay):
	}
	ticks := time.NewTicker(a.settings.Interval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if ctx.Err() != nil { // both were ready
			return
		}
		_, _ = a.RunOnce(ctx, nil, userlogic.Scaler) // the watchers tell what came of it
	}
}

// untilMultiple is the time left to the next multiple of the span since the epoch.
func untilMultiple(now time.Time, span time.Duration) time.Duration {
	return span - time.Duration(now.UnixNano())%span
}
