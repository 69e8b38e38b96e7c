package operator

import (
	"net/http"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

// knownKinds maps the kinds that the operator itself reads and writes. Every API server serves them at the same places, so nothing has
// to be asked. The mapper that controller-runtime has by default asks the API server while it holds a lock that every
// reconcile waits for, without a deadline: one API group that never answers stops them all.
func knownKinds(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(cpav1.GroupVersion.WithKind(cpav1.Kind), meta.RESTScopeNamespace)
	mapper.Add(cpav1.GroupVersion.WithKind(cpav1.Kind+"List"), meta.RESTScopeNamespace) // by which the cache of several namespaces is asked
	mapper.Add(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"), meta.RESTScopeRoot)
	for _, kind := range plan.Made {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	for _, kind := range plan.Claimants {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	return mapper, nil
}
