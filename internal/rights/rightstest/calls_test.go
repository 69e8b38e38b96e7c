package rightstest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
)

// TestMissing shows that a call without a right is found, and that one with a right is not.
func TestMissing(t *testing.T) {
	about := rights.About{Target: schema.GroupResource{Group: "apps", Resource: "deployments"}, TargetName: "web", Object: "mine"}
	for _, row := range []struct{ request, want string }{
		{"GET /api", ""},
		{"GET /apis/apps/v1", ""},
		{"GET /apis/apps/v1/namespaces/shop/deployments/web", ""},
		{"GET /apis/apps/v1/namespaces/shop/deployments/other", `get "apps" deployments other`},
		{"GET /apis/apps/v1/namespaces/shop/deployments", `list "apps" deployments`},
		{"PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale", ""},
		{"PUT /apis/apps/v1/namespaces/shop/deployments/web/scale", `update "apps" deployments/scale web`},
		{"GET /api/v1/namespaces/shop/pods", ""},
		{"GET /api/v1/namespaces/shop/pods?watch=true", ""},
		{"GET /api/v1/namespaces/shop/secrets/key", `get "" secrets key`},
		{"DELETE /api/v1/namespaces/shop/pods", `deletecollection "" pods`},
		{"POST /apis/coordination.k8s.io/v1/namespaces/shop/leases", ""},
		{"PATCH /apis/coordination.k8s.io/v1/namespaces/shop/leases/mine.custompodautoscaler.com", ""},
		{"PATCH /apis/coordination.k8s.io/v1/namespaces/shop/leases/others", `patch "coordination.k8s.io" leases others`},
		{"GET /apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/hits", ""},
		{"GET /apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods", `list "custom.metrics.k8s.io" pods`}, // granted, but not used
		{"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", ""},
		{"GET /apis/custompodautoscaler.com/v1/namespaces/shop/custompodautoscalers/mine", ""},
	} {
		t.Run(row.request, func(t *testing.T) {
			var calls Calls
			method, path, _ := strings.Cut(row.request, " ")
			calls.Record(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
			var want []string
			if row.want != "" {
				want = []string{row.want}
			}
			if got := calls.Missing(rights.Autoscaler, about); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
