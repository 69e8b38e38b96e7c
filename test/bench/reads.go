package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"k8s.io/client-go/rest"
)

// read is a request to the API server.
type read struct{ method, path, accept, encoding string }

// ends tells a request that can be made again, and has an end: no write, and no watch.
func (r read) ends() bool { return r.method == http.MethodGet && !strings.Contains(r.path, "watch=") }

// readsFloor makes the requests that a pass makes to the API server, one after another as they were seen, and reads the
// answers without a look at them.
func readsFloor(config *rest.Config, reads []read) (floor, error) {
	config.DisableCompression = true // but for what the program asks for: a header that is set is not ours to undo
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return floor{}, fmt.Errorf("making a bare client: %w", err)
	}
	run := func(ctx context.Context) error {
		for _, read := range reads {
			if !read.ends() {
				continue
			}
			request, err := http.NewRequestWithContext(ctx, read.method, config.Host+read.path, nil)
			if err != nil {
				return err
			}
			request.Header.Set("Accept", read.accept)
			if read.encoding != "" {
				request.Header.Set("Accept-Encoding", read.encoding)
			}
			if err := drain(client, request); err != nil {
				return fmt.Errorf("reading as a pass does: %w", err)
			}
		}
		return nil
	}
	return floor{run: run, close: client.CloseIdleConnections}, nil
}
