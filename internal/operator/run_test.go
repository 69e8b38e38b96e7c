package operator

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// apiServer answers what the operator needs to start: its group version, empty lists, watches in which nothing happens, and one object
// whose target is of a group of its own.
type apiServer struct {
	hangs func(*http.Request) bool // these calls are never answered

	mutex  sync.Mutex
	called map[string]bool // METHOD path, by the last segment of the path
}

const oneObject = `{"apiVersion": "custompodautoscaler.com/v1", "kind": "CustomPodAutoscalerList", "metadata": {"resourceVersion": "1"}, "items": [
	{"metadata": {"namespace": "shop", "name": "web", "uid": "1", "resourceVersion": "1"}, "spec": {
		"template": {"spec": {"containers": [{"name": "autoscaler", "image": "it"}]}},
		"scaleTargetRef": {"apiVersion": "target.example.com/v1", "kind": "Worker", "name": "web"}}}]}`

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	a.mutex.Lock()
	a.called[r.Method+" "+kind] = true
	if strings.HasPrefix(r.URL.Path, "/apis/target.example.com") {
		a.called["target"] = true
	}
	a.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case a.hangs(r):
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case r.URL.Query().Get("sendInitialEvents") == "true":
		w.WriteHeader(http.StatusBadRequest) // so that it is listed
	case r.URL.Query().Has("watch"):
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case r.URL.Path == "/apis/custompodautoscaler.com/v1":
		_, _ = io.WriteString(w, `{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "custompodautoscaler.com/v1", "resources": []}`)
	case kind == "custompodautoscalers":
		_, _ = io.WriteString(w, oneObject)
	case kind == "leases" && r.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, r.Body)
	case r.Method == http.MethodGet && strings.HasSuffix(kind, "s"):
		_, _ = io.WriteString(w, `{"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": []}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}`)
	}
}

func (a *apiServer) has(call string) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.called[call]
}

// TestRunEndsWithinTenSeconds whatever does not answer when it is asked to end.
func TestRunEndsWithinTenSeconds(t *testing.T) {
	path := func(part string) func(*http.Request) bool {
		return func(r *http.Request) bool { return strings.Contains(r.URL.Path, part) }
	}
	for _, row := range []struct {
		name  string
		hangs func(*http.Request) bool
		after string // this call
	}{
		{"its first call", path("/"), "GET v1"},
		{"the lists for its caches", path("/deployments"), "GET deployments"},
		{"the list of its objects", path("/custompodautoscalers"), "GET custompodautoscalers"},
		{"the discovery of a target", path("/apis/target.example.com"), "target"},
		{"its Lease", path("/leases"), "GET custom-pod-autoscaler-operator"},
		{"nothing", func(*http.Request) bool { return false }, "POST leases"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			api := &apiServer{hangs: row.hangs, called: map[string]bool{}}
			server := httptest.NewServer(api)
			t.Cleanup(server.Close)
			t.Cleanup(server.CloseClientConnections)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			quiet := slog.New(slog.DiscardHandler)
			options := Options{
				Namespaces: []string{"shop"}, ProbeAddress: "0", MetricsAddress: "0", Concurrency: 4, Log: quiet,
				LeaderElection: strings.HasSuffix(row.after, "leases") || strings.Contains(row.after, "operator"), LeaderElectionNamespace: "shop",
			}
			done := make(chan error, 1)
			go func() { done <- Run(ctx, &rest.Config{Host: server.URL}, options) }()
			waitFor(t, row.after, func() bool { return api.has(row.after) || len(done) > 0 })
			cancel()
			began := time.Now()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("it ended with %v", err)
				}
				t.Logf("it ended after %s", time.Since(began))
			case <-time.After(10 * time.Second):
				t.Error("it did not end within ten seconds")
			}
		})
	}
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
