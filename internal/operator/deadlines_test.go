package operator

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/reconcile"
)

// stalling is a server whose answers begin, or end, only when the caller has gone, as the path says.
func stalling(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/begins" {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
		}
		if r.URL.Path != "/answers" {
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestDeadlinesBoundCalls(t *testing.T) {
	server := stalling(t)
	const limit, patience = time.Second, 4 * time.Second // what begins has to do so within the limit, on a busy machine, too
	client, err := rest.HTTPClientFor(bounded(&rest.Config{Host: server.URL}, limit))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, path string
		ends       bool // within the test's patience
	}{
		{"a call", "/hangs", true},
		{"a call whose answer begins", "/begins", true},
		{"a watch", "/hangs?watch=true", true},
		{"a watch that has begun", "/begins?watch=true", false},
		{"a list of a cache", "/hangs?resourceVersion=0", true},
		{"a list of a cache that has begun", "/begins?resourceVersion=0", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+row.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err == nil {
				_, err = io.ReadAll(response.Body)
				response.Body.Close()
			}
			if err == nil || (ctx.Err() == nil) != row.ends {
				t.Errorf("got %v, and the test's own context has %v", err, ctx.Err())
			}
			if row.path == "/hangs" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the deadline", err)
			}
		})
	}
}

func TestDeadlinesLeaveCallersTheirOwn(t *testing.T) {
	server := stalling(t)
	client, err := rest.HTTPClientFor(bounded(&rest.Config{Host: server.URL}, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/hangs", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(request); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	response, err := client.Get(server.URL + "/answers")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// TestSettingUpAsksNothing: no call without a deadline is made before the manager starts.
func TestSettingUpAsksNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // it accepts no connection
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	connection := &rest.Config{Host: "http://" + listener.Addr().String()}
	done := make(chan error, 1)
	go func() {
		manager, err := newManager(t.Context(), connection, nil, Options{ProbeAddress: "0", MetricsAddress: "0", Namespaces: []string{"shop"}})
		if err == nil {
			err = watch(t.Context(), manager, &reconcile.Reconciler{}, nil, 1)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for the API server")
	}
}
