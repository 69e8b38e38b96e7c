package host

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
)

// script is an API server of many namespaces, each with a target of its own; no call leaves the process.
type script struct {
	lock     sync.Mutex
	clusters map[string]*simulation.Cluster // by namespace
	replicas map[string]int                 // that were asked for last
}

func newScript(t *testing.T, namespaces int) *script {
	t.Helper()
	s := &script{clusters: map[string]*simulation.Cluster{}, replicas: map[string]int{}}
	for i := range namespaces {
		settings := simulation.Default()
		settings.Metrics.Values = map[string]string{"load": "load"}
		part, err := load.Parse("flat:low=70")
		if err != nil {
			t.Fatal(err)
		}
		settings.Load = append(settings.Load, part)
		world, err := simulation.NewWorld(settings)
		if err != nil {
			t.Fatal(err)
		}
		s.clusters[nameOf(i)] = &simulation.Cluster{World: world, Target: web, Namespace: nameOf(i)}
	}
	return s
}

var web = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}

func nameOf(i int) string { return fmt.Sprint("shop-", i) }

// RoundTrip answers for the namespace of the request, or for all namespaces if it has none. A watch tells of nothing, until it is ended.
func (s *script) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Query().Get("sendInitialEvents") != "" { // as servers before Kubernetes 1.27 have it: the pods are listed first
		status := `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422}`
		return &http.Response{StatusCode: http.StatusUnprocessableEntity, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(status)), Request: request}, nil
	}
	if request.URL.Query().Get("watch") != "" {
		reader, writer := io.Pipe()
		context.AfterFunc(request.Context(), func() { _ = writer.CloseWithError(request.Context().Err()) })
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: reader, Request: request}, nil
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	namespace := nameOf(0)
	if _, behind, there := strings.Cut(request.URL.Path, "/namespaces/"); there {
		namespace, _, _ = strings.Cut(behind, "/")
	}
	cluster := s.clusters[namespace]
	if cluster == nil {
		return nil, fmt.Errorf("no namespace %q", namespace)
	}
	if request.Method == http.MethodPatch {
		s.replicas[namespace]++
	}
	return cluster.RoundTrip(request)
}

func (s *script) scaled() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return len(s.replicas)
}

// settingsOf are those of an autoscaler in a namespace, whose logic runs in the process.
func settingsOf(namespace string) Settings {
	settings := config.Default()
	settings.ScaleTargetRef, settings.Namespace = &web, namespace
	settings.APIConfig.Enabled = false
	settings.RunMode, settings.Interval = config.PerResource, 3_000
	settings.Evaluate = &config.Method{Type: "hpa"}
	settings.KubernetesMetricSpecs = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "load"},
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse("10"))},
	}}}
	return Settings{Config: settings, Log: slog.New(slog.DiscardHandler), Labels: prometheus.Labels{"namespace": namespace, "name": "web"}}
}

func newTestHost(t *testing.T, api *script) *Host {
	t.Helper()
	h, err := newHost(t.Context(), &rest.Config{Host: "http://scripted", Transport: api, QPS: -1}, Options{Log: slog.New(slog.DiscardHandler), RequestTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(2*time.Minute)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain: ", what)
		}
	}
}

// TestAThousandAutoscalersInOneProcess runs until each has scaled its target, and ends them one by one.
func TestAThousandAutoscalersInOneProcess(t *testing.T) {
	const many = 1000
	api := newScript(t, many)
	h := newTestHost(t, api)
	before := runtime.NumGoroutine()
	for i := range many {
		if err := h.Add(nameOf(i), settingsOf(nameOf(i))); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "each scales its target", func() bool { return api.scaled() == many })
	for i := range many {
		h.Remove(nameOf(i))
	}
	eventually(t, fmt.Sprintf("goroutines back at %d", before), func() bool { return runtime.NumGoroutine() <= before })
	if left, err := h.Gather(); err != nil || len(seriesOf(left)) > 0 {
		t.Errorf("there are still series of %v, %v", seriesOf(left), err)
	}
	h.Close(t.Context())
}

func TestAnAutoscalerIsRemovedWhileOthersGoOn(t *testing.T) {
	api := newScript(t, 2)
	h := newTestHost(t, api)
	defer h.Close(t.Context())
	for i := range 2 {
		if err := h.Add(nameOf(i), settingsOf(nameOf(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Add(nameOf(0), settingsOf(nameOf(0))); err == nil || err.Error() != `there is an autoscaler "shop-0" already` {
		t.Errorf("got %v for a second one of the same key", err)
	}
	eventually(t, "both scale their target", func() bool { return api.scaled() == 2 })
	families, err := h.Gather()
	if got := seriesOf(families); err != nil || fmt.Sprint(got) != "map[shop-0:true shop-1:true]" {
		t.Errorf("there are series of %v, %v", got, err)
	}
	h.Remove(nameOf(0))
	h.Remove("nobody")
	families, err = h.Gather()
	if got := seriesOf(families); err != nil || fmt.Sprint(got) != "map[shop-1:true]" {
		t.Errorf("there are series of %v, %v", got, err)
	}
	if err := h.Add(nameOf(0), settingsOf(nameOf(0))); err != nil {
		t.Errorf("it cannot be added again: %v", err)
	}
}

func TestAClosedHostEndsWhatItRuns(t *testing.T) {
	before := runtime.NumGoroutine()
	h := newTestHost(t, newScript(t, 3))
	for i := range 3 {
		if err := h.Add(nameOf(i), settingsOf(nameOf(i))); err != nil {
			t.Fatal(err)
		}
	}
	h.Close(t.Context())
	eventually(t, "all has ended", func() bool { return runtime.NumGoroutine() <= before })
	if err := h.Add(nameOf(0), settingsOf(nameOf(0))); err == nil || err.Error() != "the host is closed" {
		t.Errorf("got %v for an autoscaler of a closed host", err)
	}
}

// TestAKeyIsOfOneUntilItHasEnded: two would scale the same target.
func TestAKeyIsOfOneUntilItHasEnded(t *testing.T) {
	h := newTestHost(t, newScript(t, 1))
	defer h.Close(t.Context())
	made, err := h.make(settingsOf(nameOf(0)))
	if err != nil {
		t.Fatal(err)
	}
	release, stopped, removed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	h.lock.Lock()
	h.start(t.Context(), nameOf(0), made, func(ctx context.Context) {
		<-ctx.Done()
		close(stopped)
		<-release
	})
	h.lock.Unlock()
	go func() {
		defer close(removed)
		h.Remove(nameOf(0))
	}()
	<-stopped
	if err := h.Add(nameOf(0), settingsOf(nameOf(0))); err == nil {
		t.Error("another is added while the first one ends")
	}
	close(release)
	<-removed
	if err := h.Add(nameOf(0), settingsOf(nameOf(0))); err != nil {
		t.Error(err)
	}
}

// seriesOf are the namespaces of which there are series.
func seriesOf(families []*dto.MetricFamily) map[string]bool {
	of := map[string]bool{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "namespace" {
					of[label.GetValue()] = true
				}
			}
		}
	}
	return of
}
