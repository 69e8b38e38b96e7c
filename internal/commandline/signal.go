package commandline

import (
	"context"
	"os/signal"
	"syscall"
)

// UntilSignal returns a context that is done after SIGINT (Ctrl-C) or SIGTERM. A second signal ends the program at once.
func UntilSignal() (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
