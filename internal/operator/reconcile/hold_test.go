package reconcile

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// expiring notes which group versions were found to be out of date.
type expiring struct {
	KindFinder
	versions []schema.GroupVersion
}

func (e *expiring) Expire(version schema.GroupVersion) { e.versions = append(e.versions, version) }

func TestHoldTarget(t *testing.T) {
	const scale = `{"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}}`
	const notFound = `{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "workers \"web\" not found", "details": {"name": "web"}}`
	for _, row := range []struct {
		name     string
		replicas int32
		code     int
		body     string
		patch    string
		reason   string
		says     string
		expires  bool
	}{
		{name: "it has the number", replicas: 3, code: 200, body: scale},
		{name: "it has another number", replicas: 0, code: 200, body: scale, patch: `{"spec": {"replicas": 0}}`},
		{name: "it is not there", code: 404, body: notFound, reason: "TargetNotFound", says: `holding Worker "web" at 0 replicas: workers "web" not found`},
		{name: "its kind is served no more", code: 404, body: "404 page not found", reason: "TargetNotFound", expires: true},
		{name: "the API is away", code: 503, body: "not now", says: `holding Worker "web" at 0 replicas`},
	} {
		t.Run(row.name, func(t *testing.T) {
			patch := ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if want := "/apis/shop.example.com/v1/namespaces/shop/workers/web/scale"; r.URL.Path != want {
					t.Errorf("%s %s, want %s", r.Method, r.URL.Path, want)
				}
				if text, _ := io.ReadAll(r.Body); r.Method == http.MethodPatch {
					patch = string(text)
				}
				if strings.HasPrefix(row.body, "{") {
					w.Header().Set("Content-Type", "application/json")
				}
				w.WriteHeader(row.code)
				_, _ = io.WriteString(w, row.body)
			}))
			defer server.Close()
			api, err := kube.New(&rest.Config{Host: server.URL}, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			kinds := &expiring{}
			object := &cpav1.CustomPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-autoscaler"}}
			object.Spec.ScaleTargetRef = cpav1.TargetReference{APIVersion: "shop.example.com/v1", Kind: "Worker", Name: "web"}
			err = (&Reconciler{API: api, Kinds: kinds}).holdTarget(t.Context(), object, workload.Kind{Version: schema.GroupVersion{Group: "shop.example.com", Version: "v1"}, Resource: "workers"}, row.replicas)
			trouble, _ := errors.AsType[plan.TroubleError](err)
			if (err == nil) != (row.code == 200) || trouble.Reason != row.reason || err != nil && !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v (%s), want %s: %s", err, trouble.Reason, row.reason, row.says)
			}
			if patch != row.patch || (len(kinds.versions) > 0) != row.expires {
				t.Errorf("it patched %q, and expired %v", patch, kinds.versions)
			}
		})
	}
}
