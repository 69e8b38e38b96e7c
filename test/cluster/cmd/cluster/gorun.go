package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// whileGoRuns ends with the `go run` that started us, if one did: it passes Ctrl-C on but
// not SIGTERM, and a script's `kill` would leave us and the cluster behind.
func whileGoRuns(ctx context.Context) context.Context {
	parent := os.Getppid()
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if err != nil || strings.TrimSpace(string(name)) != "go" {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for range time.Tick(200 * time.Millisecond) {
			if os.Getppid() != parent {
				cancel()
				return
			}
		}
	}()
	return ctx
}
