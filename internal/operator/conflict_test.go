package operator

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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

// objects is a cache of objects, found by the index of their targets.
type objects struct {
	client.Client
	all []cpav1.CustomPodAutoscaler
}

func (o objects) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	var asked client.ListOptions
	asked.ApplyOptions(options)
	wanted, _ := asked.FieldSelector.RequiresExactMatch(plan.ByTarget)
	list := into.(*cpav1.CustomPodAutoscalerList)
	for _, one := range o.all {
		if one.Namespace == asked.Namespace && plan.ScaledByObject(&one).Index() == wanted {
			list.Items = append(list.Items, one)
		}
	}
	return nil
}

// scales is an object that scales a target, made so many seconds after noon.
func scales(name, uid string, seconds int, ref cpav1.TargetReference) cpav1.CustomPodAutoscaler {
	return cpav1.CustomPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(uid), CreationTimestamp: metav1.Date(2026, 1, 1, 12, 0, seconds, 0, time.UTC)},
		Spec:       cpav1.Spec{ScaleTargetRef: ref},
	}
}

func TestConflict(t *testing.T) {
	web := cpav1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	its := scales("mine", "b", 5, web)
	ignoring := func(object cpav1.CustomPodAutoscaler) cpav1.CustomPodAutoscaler {
		object.Annotations = map[string]string{cpav1.IgnoreConflicts: "true"}
		return object
	}
	elsewhere := scales("older", "a", 1, web)
	elsewhere.Namespace = "other"
	for _, row := range []struct {
		name   string
		object cpav1.CustomPodAutoscaler
		others []cpav1.CustomPodAutoscaler
		known  map[plan.Scaled]string
		want   string
	}{
		{"alone", its, nil, nil, ""},
		{"an older one", its, []cpav1.CustomPodAutoscaler{scales("older", "a", 1, web)}, nil, `CustomPodAutoscaler "older", which is older`},
		{"a younger one", its, []cpav1.CustomPodAutoscaler{scales("younger", "a", 9, web)}, nil, ""},
		{"one of the same age, and a smaller uid", its, []cpav1.CustomPodAutoscaler{scales("twin", "a", 5, web)}, nil, `"twin"`},
		{"one of the same age, and a larger uid", its, []cpav1.CustomPodAutoscaler{scales("twin", "c", 5, web)}, nil, ""},
		{"an older one that spells it otherwise", its, []cpav1.CustomPodAutoscaler{scales("older", "a", 1, cpav1.TargetReference{APIVersion: "apps/v1beta2", Kind: "deployment", Name: "web"})}, nil, `"older"`},
		{"an older one of another group", its, []cpav1.CustomPodAutoscaler{scales("older", "a", 1, cpav1.TargetReference{APIVersion: "example.com/v1", Kind: "Deployment", Name: "web"})}, nil, ""},
		{"an older one of another target", its, []cpav1.CustomPodAutoscaler{scales("older", "a", 1, cpav1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "api"})}, nil, ""},
		{"an older one in another namespace", its, []cpav1.CustomPodAutoscaler{elsewhere}, nil, ""},
		{"an older one that does not count", its, []cpav1.CustomPodAutoscaler{ignoring(scales("older", "a", 1, web))}, nil, ""},
		{"an older one, and whoever wrote it knows", ignoring(its), []cpav1.CustomPodAutoscaler{scales("older", "a", 1, web)}, nil, ""},
		{"a HorizontalPodAutoscaler", its, nil, map[plan.Scaled]string{plan.ScaledByObject(&its): `HorizontalPodAutoscaler "web"`}, `HorizontalPodAutoscaler "web"`},
		{"one in another namespace", its, nil, map[plan.Scaled]string{plan.ScaledBy("other", "apps/v1", "Deployment", "web"): `HorizontalPodAutoscaler "web"`}, ""},
		{"one, and whoever wrote it knows", ignoring(its), nil, map[plan.Scaled]string{plan.ScaledByObject(&its): `HorizontalPodAutoscaler "web"`}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			known := &Others{known: row.known, Log: slog.New(slog.DiscardHandler)}
			known.init()
			close(known.first)
			r := &Reconciler{Client: objects{all: append(row.others, row.object)}, Others: known}
			got, err := r.conflict(t.Context(), &row.object)
			if err != nil || !strings.Contains(got, row.want) || (got == "") != (row.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, row.want)
			}
		})
	}
}

func TestSiblings(t *testing.T) {
	web := cpav1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	one := scales("one", "a", 1, web)
	all := objects{all: []cpav1.CustomPodAutoscaler{one, scales("two", "b", 2, web), scales("api", "c", 3, cpav1.TargetReference{Kind: "Deployment", Name: "api"})}}
	if got := siblingsOf(t.Context(), all, &one); len(got) != 1 || got[0].Name != "two" {
		t.Errorf("got %v", got)
	}
}

// TestOthers reads what others scale, page by page, while rights, KEDA or the API server are missing.
func TestOthers(t *testing.T) {
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
	o := &Others{API: api503, Log: slog.New(slog.DiscardHandler), Objects: objects{}}
	o.init()
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
		if len(changed) != row.changed || o.of(t.Context(), web) != row.web || o.of(t.Context(), api) != row.api {
			t.Errorf("%s: changed %v; web is scaled by %q, api by %q", row.name, changed, o.of(t.Context(), web), o.of(t.Context(), api))
		}
	}
}

func TestOthersEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	unreachable, err := kube.New(&rest.Config{Host: "http://127.0.0.1:1"}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	o := &Others{API: unreachable, Log: slog.New(slog.DiscardHandler), Objects: objects{}}
	done := make(chan error, 1)
	go func() { done <- o.Start(ctx) }()
	if got := o.of(t.Context(), plan.ScaledBy("shop", "apps/v1", "Deployment", "web")); got != "" {
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
