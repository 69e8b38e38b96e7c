package rivals

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
)

// TestFinder reads what others scale, page by page, while rights, KEDA or the API server are missing.
func TestFinder(t *testing.T) {
	const keda, hpas = "/apis/keda.sh/v1alpha1/scaledobjects", "/apis/autoscaling/v2/horizontalpodautoscalers"
	page := func(kind, more string, items ...string) string {
		return `{"kind": "` + kind + `List", "apiVersion": "v1", "metadata": {"continue": "` + more + `"}, "items": [` + strings.Join(items, ",") + `]}`
	}
	const webHPA = `{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}`
	const apiHPA = `{"metadata": {"name": "keda-hpa-api", "namespace": "shop"}, "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}}}`
	const apiKEDA = `{"metadata": {"name": "api", "namespace": "shop"}, "spec": {"scaleTargetRef": {"name": "api"}}}`
	web, api := plan.ScaledBy("shop", "apps/v1", "Deployment", "web"), plan.ScaledBy("shop", "apps/v1", "Deployment", "api")

	var mutex sync.Mutex
	answers := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		w.Header().Set("Content-Type", "application/json")
		answer, code := answers[strings.TrimSuffix(r.URL.Path+"?"+r.URL.Query().Get("continue"), "?")], http.StatusOK
		switch answer {
		case "":
			code, answer = http.StatusNotFound, "404 page not found"
		case "forbidden":
			code, answer = http.StatusForbidden, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "no"}`
		case "away":
			code, answer = http.StatusServiceUnavailable, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "ServiceUnavailable", "code": 503, "message": "no"}`
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	api503, err := kube.New(&rest.Config{Host: server.URL}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	o := New(api503, nil, nil, slog.New(slog.DiscardHandler))
	close(o.first)
	for _, row := range []struct {
		name    string
		answers map[string]string
		changed int
		web     string
		api     string
	}{
		{"without KEDA", map[string]string{hpas: page("HorizontalPodAutoscaler", "", webHPA)}, 1, `HorizontalPodAutoscaler "web"`, ""},
		{"nothing has changed", map[string]string{hpas: page("HorizontalPodAutoscaler", "", webHPA)}, 0, `HorizontalPodAutoscaler "web"`, ""},
		{"two pages, and KEDA's own", map[string]string{hpas: page("HorizontalPodAutoscaler", "next", webHPA), hpas + "?next": page("HorizontalPodAutoscaler", "", apiHPA), keda: page("ScaledObject", "", apiKEDA)},
			1, `HorizontalPodAutoscaler "web"`, `ScaledObject "api"`},
		{"the API server is away", map[string]string{hpas: "away"}, 0, `HorizontalPodAutoscaler "web"`, `ScaledObject "api"`},
		{"no right to the first", map[string]string{hpas: "forbidden", keda: page("ScaledObject", "", apiKEDA)}, 1, "", `ScaledObject "api"`},
		{"they are gone", map[string]string{hpas: page("HorizontalPodAutoscaler", "")}, 1, "", ""},
		{"rubbish", map[string]string{hpas: "[]"}, 0, "", ""},
	} {
		mutex.Lock()
		answers = row.answers
		mutex.Unlock()
		changed := o.look(t.Context())
		if len(changed) != row.changed || o.Of(t.Context(), web) != row.web || o.Of(t.Context(), api) != row.api {
			t.Errorf("%s: changed %v; web is scaled by %q, api by %q", row.name, changed, o.Of(t.Context(), web), o.Of(t.Context(), api))
		}
	}
}

func TestFinderEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	unreachable, err := kube.New(&rest.Config{Host: "http://127.0.0.1:1"}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	o := New(unreachable, nil, nil, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- o.Start(ctx) }()
	if got := o.Of(t.Context(), plan.ScaledBy("shop", "apps/v1", "Deployment", "web")); got != "" {
		t.Errorf("got %q", got)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

// TestRivalsMayBeListed compares the kinds that are listed with the rights to list them.
func TestRivalsMayBeListed(t *testing.T) {
	all := rights.Select(rights.Operator, rights.Rivals)
	if len(all) != len(otherKinds) {
		t.Fatalf("there are %d rights for %d kinds", len(all), len(otherKinds))
	}
	for i, one := range otherKinds {
		if right := all[i]; right.Verb != "list" || right.Group != one.version.Group || right.Resource != one.resource {
			t.Errorf("the right for %s is %+v", one.kind, right)
		}
	}
}
