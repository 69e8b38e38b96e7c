package cluster

import (
	"context"
	"fmt"
	"time"
)

// pollInterval is how often a component is asked whether it is ready.
const pollInterval = 50 * time.Millisecond

// poll asks again and again until the answer is nil or ctx is over; the error then says both
// why it is over and what the last answer was.
func poll(ctx context.Context, interval time.Duration, ask func(context.Context) error) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}
