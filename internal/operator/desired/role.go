package desired

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
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
	rule := func(group, resource string, names []string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names, Verbs: verbs}
	}
	one, itself, lease := []string{object.Spec.ScaleTargetRef.Name}, []string{object.Name}, []string{cpav1.LeaseOf(object.Name)}
	rules := []rbacv1.PolicyRule{
		rule(target.Group, target.Resource, one, "get"),
		rule(target.Group, target.Resource+"/scale", one, "get", "patch"),
		rule("", "pods", nil, "list", "watch"),
		rule("", "events", nil, "create", "patch"),
		rule("coordination.k8s.io", "leases", nil, "create"), // what is created has no name yet that a rule could have
		rule("coordination.k8s.io", "leases", lease, "get", "patch"),
		rule(cpav1.GroupVersion.Group, "custompodautoscalers", itself, "get"),
		rule(cpav1.GroupVersion.Group, "custompodautoscalers/status", itself, "get", "patch"),
	}
	if !readsMetrics(object) {
		return rules
	}
	return append(rules,
		rule("metrics.k8s.io", "pods", nil, "list"),
		rule("custom.metrics.k8s.io", "*", nil, "get", "list"),
		rule("external.metrics.k8s.io", "*", nil, "get", "list"),
	)
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
