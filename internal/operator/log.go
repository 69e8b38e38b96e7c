package operator

import (
	"context"
	"log/slog"
)

// untilDone is a log that ends when ctx is done: that an operator which is asked to stop lets go of what it has, such as its
// Lease, is no error, but is logged as one.
type untilDone struct {
	slog.Handler
	ctx context.Context
}

// Handle writes a line; errors come here without having been asked for.
func (u untilDone) Handle(ctx context.Context, line slog.Record) error {
	if u.ctx.Err() != nil {
		return nil
	}
	return u.Handler.Handle(ctx, line)
}

// WithAttrs and WithGroup make logs that end as well.
func (u untilDone) WithAttrs(attrs []slog.Attr) slog.Handler {
	return untilDone{u.Handler.WithAttrs(attrs), u.ctx}
}

func (u untilDone) WithGroup(name string) slog.Handler {
	return untilDone{u.Handler.WithGroup(name), u.ctx}
}
