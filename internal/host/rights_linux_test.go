package host

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/access"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/shell"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights/rightstest"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
)

// apiServer is a simulated cluster that also takes what an autoscaler writes: events, its Lease, the status of its object, and
// questions about callers.
type apiServer struct {
	mutex   sync.Mutex
	cluster *simulation.Cluster
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answer := func(text string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
	resource := strings.Split(r.URL.Path, "/")
	has := func(one string) bool { return slices.Contains(resource, one) }
	switch {
	case has("tokenreviews"):
		answer(`{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": {"authenticated": true, "user": {"username": "prometheus"}}}`)
	case has("subjectaccessreviews"):
		answer(`{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "status": {"allowed": true}}`)
	case has("events"):
		answer(`{"apiVersion": "v1", "kind": "Event", "metadata": {"name": "it", "namespace": "shop"}}`)
	case has("custompodautoscalers"):
		answer(`{"apiVersion": "custompodautoscaler.com/v1", "kind": "CustomPodAutoscaler", "metadata": {"name": "mine", "namespace": "shop", "uid": "1"}}`)
	case has("leases") && r.Method == http.MethodPost:
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	case has("leases") && r.Method == http.MethodPatch:
		answer(`{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}`)
	default:
		a.simulate(w, r, string(body))
	}
}

func (a *apiServer) simulate(w http.ResponseWriter, r *http.Request, body string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	request := r.Clone(r.Context())
	request.Body = io.NopCloser(strings.NewReader(body))
	response, err := a.cluster.RoundTrip(request)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	defer response.Body.Close()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

// TestCallsAreThoseOfTheTable runs an autoscaler that does everything, and compares the calls that it makes with the table of
// rights, in both directions.
func TestCallsAreThoseOfTheTable(t *testing.T) {
	settings := everything()
	about := rights.About{Target: schema.GroupResource{Group: "apps", Resource: "deployments"}, TargetName: "web", Object: "mine"}
	var calls rightstest.Calls
	server := httptest.NewServer(calls.Record(&apiServer{cluster: simulated(t, settings)}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	options := Options{Cluster: Cluster{Kubeconfig: kubeconfig(t, server.URL)}, Log: slog.New(slog.DiscardHandler), RequestTimeout: settings.RequestTimeout.Duration()}
	process, err := New(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		err := process.RunOne(ctx, Settings{Config: settings, Log: options.Log})
		process.Close(ctx)
		done <- err
	}()
	twoEventsAndACaller(t, options.Cluster)
	missing := func() (missing []rights.Call) {
		for _, call := range rights.Autoscaler {
			released := call.When == rights.Lease && call.Verb == "patch" // when it ends
			if !call.Unused && !released && !calls.Has(call, about) {
				missing = append(missing, call)
			}
		}
		return missing
	}
	for deadline := time.Now().Add(time.Minute); len(missing()) > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, call := range rights.Autoscaler {
		if !call.Unused && !calls.Has(call, about) {
			t.Errorf("the table has %+v, which is not called", call)
		}
	}
	calls.Check(t, rights.Autoscaler, about)
}

// everything is a configuration that needs every call.
func everything() config.Config {
	settings := config.Default()
	settings.Namespace, settings.Interval, settings.MaxReplicas = "shop", 100, 20
	settings.ScaleTargetRef = &autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	settings.CustomPodAutoscaler, settings.LeaderElection = &config.Owner{Name: "mine", UID: "1"}, true
	settings.APIConfig.Enabled = false
	echo := func(says string) *config.Method {
		return &config.Method{Type: "shell", Timeout: 20_000, MaxReplyBytes: 1 << 20, Shell: &shell.Settings{Entrypoint: "/bin/echo", Command: []string{says}}}
	}
	settings.Metric, settings.Evaluate = echo("fine"), echo(`{"targetReplicas": 7}`)
	hits := autoscalingv2.MetricIdentifier{Name: "hits"}
	settings.KubernetesMetricSpecs = []autoscalingv2.MetricSpec{
		{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{Name: "cpu"}},
		{Type: "Pods", Pods: &autoscalingv2.PodsMetricSource{Metric: hits}},
		{Type: "Object", Object: &autoscalingv2.ObjectMetricSource{Metric: hits, DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Namespace", Name: "shop"}}},
		{Type: "External", External: &autoscalingv2.ExternalMetricSource{Metric: hits}},
	}
	return settings
}

func simulated(t *testing.T, settings config.Config) *simulation.Cluster {
	t.Helper()
	simulated := simulation.Default()
	part, err := load.Parse("wave:low=50,high=900,period=6h")
	if err != nil {
		t.Fatal(err)
	}
	simulated.Load = append(simulated.Load, part)
	world, err := simulation.NewWorld(simulated)
	if err != nil {
		t.Fatal(err)
	}
	return &simulation.Cluster{World: world, Target: *settings.ScaleTargetRef, Namespace: settings.Namespace}
}

// twoEventsAndACaller writes an event that happens twice, which takes a patch, and asks about a caller, as the server does.
func twoEventsAndACaller(t *testing.T, cluster Cluster) {
	t.Helper()
	api, _, err := cluster.Client(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	events := newEvents(t.Context(), api, slog.New(slog.DiscardHandler))
	for range 2 {
		events.Event(corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}, corev1.EventTypeWarning, "Failed", "it fails")
	}
	events.Close(t.Context())
	request := httptest.NewRequest(http.MethodGet, "/api/v1/metrics", nil)
	request.Header.Set("Authorization", "Bearer token")
	_ = access.NewGate(api, "", func(error) {}).Admit(request) // the calls are compared, not the answer
}

// kubeconfig is a file by which a server is called.
func kubeconfig(t *testing.T, url string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "it",
		"clusters": []any{map[string]any{"name": "it", "cluster": map[string]any{"server": url}}},
		"contexts": []any{map[string]any{"name": "it", "context": map[string]any{"cluster": "it", "namespace": "shop"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(fmt.Errorf("writing the kubeconfig: %w", err))
	}
	return file
}
