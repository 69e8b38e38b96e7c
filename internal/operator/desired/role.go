package desired

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
)

// role is what the autoscaler may do, and no more.
func role(object *cpav1.CustomPodAutoscaler, target schema.GroupResource) (*unstructured.Unstructured, error) {
	content, err := asMap(&rbacv1.Role{Rules: Rules(object, target)})
	if err != nil {
		return nil, err
	}
	return named(object, "rbac.authorization.k8s.io/v1", "Role", object.Name, map[string]any{"rules": content["rules"]}), nil
}

// Rules are the rights that the autoscaler of an object needs: to read its target and the target's pods, to scale it, to
// read metrics if it is asked to, and to say how it goes.
func Rules(object *cpav1.CustomPodAutoscaler, target schema.GroupResource) []rbacv1.PolicyRule {
	needed := []rights.When{rights.Scaling, rights.Pods, rights.Events, rights.Lease, rights.Object}
	if readsMetrics(object) {
		needed = append(needed, rights.Metrics)
	}
	return rights.Rules(rights.Select(rights.Autoscaler, needed...), rights.About{
		Target: target, TargetName: object.Spec.ScaleTargetRef.Name, Object: object.Name,
	})
}

func readsMetrics(object *cpav1.CustomPodAutoscaler) bool {
	if asked := object.Spec.RoleRequiresMetricsServer; asked != nil && *asked {
		return true
	}
	for _, entry := range object.Spec.Config {
		if entry.Name == "kubernetesMetricSpecs" {
			return true
		}
	}
	return false
}
