package plan

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
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
var Claimants = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Service"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1", Kind: "StatefulSet"},
	{Group: "apps", Version: "v1", Kind: "DaemonSet"},
	{Group: "apps", Version: "v1", Kind: "ReplicaSet"},
	{Version: "v1", Kind: "ReplicationController"},
	{Group: "batch", Version: "v1", Kind: "Job"},
}

// Selecting are the rights to list everything whose selectors are compared with a template's labels.
func Selecting() []rbacv1.PolicyRule {
	return rights.Rules(rights.Select(rights.Operator, rights.Labels), rights.About{})
}
