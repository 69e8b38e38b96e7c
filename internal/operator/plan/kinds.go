package plan

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// RoleBindings is the kind of the objects that give an account the rights of a Role.
var RoleBindings = schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"}

var (
	roles    = schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"}
	accounts = schema.GroupVersionKind{Version: "v1", Kind: "ServiceAccount"}
)

// Workloads are the kinds that an autoscaler runs in, or ran in.
var Workloads = []schema.GroupVersionKind{
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Version: "v1", Kind: "Pod"},
}

// Made are the kinds that we make, or take away.
var Made = append([]schema.GroupVersionKind{accounts, roles, RoleBindings}, Workloads...)

// OfKind is an object of a kind, without content.
func OfKind(kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}

// Claimants are the kinds whose selectors say which pods are theirs. PodDisruptionBudgets and NetworkPolicies are not among
// them: they protect or admit pods by labels that a template may need, such as the one that lets its pod reach Prometheus.
var Claimants = []struct {
	Kind     schema.GroupVersionKind
	Resource string
}{
	{schema.GroupVersionKind{Version: "v1", Kind: "Service"}, "services"},
	{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "deployments"},
	{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "StatefulSet"}, "statefulsets"},
	{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "DaemonSet"}, "daemonsets"},
	{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}, "replicasets"},
	{schema.GroupVersionKind{Version: "v1", Kind: "ReplicationController"}, "replicationcontrollers"},
	{schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}, "jobs"},
}

// Selecting are the rights to list everything whose selectors are compared with a template's labels.
func Selecting() (rules []rbacv1.PolicyRule) {
	for _, one := range Claimants {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{one.Kind.Group}, Resources: []string{one.Resource}, Verbs: []string{"list"}})
	}
	return rules
}
