// Package desired makes the objects that a CustomPodAutoscaler needs: a ServiceAccount, a Role with just the rights of its
// autoscaler, a RoleBinding and a Deployment. It is a function of values: an object comes in, objects come out. It also knows
// which parts of the object it does not use, and which may be credentials. Comparing with what exists is package plan's, and
// writing is package reconcile's.
package desired

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json" // whole numbers stay whole

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// Deployments is the resource of the targets that could also be Deployments of the operator.
var Deployments = schema.GroupResource{Group: "apps", Resource: "deployments"}

// For is what has to be there for an object whose target is served as the resource. Nothing that it gives is shared with
// the object. A paused autoscaler is there, but does not run.
func For(object *cpav1.CustomPodAutoscaler, target schema.GroupResource, paused bool) ([]*unstructured.Unstructured, error) {
	template, err := templateOf(object)
	if err != nil {
		return nil, err
	}
	spec, account := object.Spec, accountOf(object, template)
	var all []*unstructured.Unstructured
	for _, one := range []struct {
		wanted *bool
		make   func() (*unstructured.Unstructured, error)
	}{
		{spec.ProvisionServiceAccount, func() (*unstructured.Unstructured, error) { return serviceAccount(object), nil }},
		{spec.ProvisionRole, func() (*unstructured.Unstructured, error) { return role(object, target) }},
		{spec.ProvisionRoleBinding, func() (*unstructured.Unstructured, error) { return roleBinding(object, account), nil }},
		{spec.ProvisionPod, func() (*unstructured.Unstructured, error) {
			return deployment(object, template, target, account, paused)
		}},
	} {
		if one.wanted != nil && !*one.wanted {
			continue
		}
		made, err := one.make()
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}

// accountOf is the account that the pod runs under: the object's own while the operator provisions it, as with operator 1.4.
func accountOf(object *cpav1.CustomPodAutoscaler, template map[string]any) string {
	provisioned := object.Spec.ProvisionServiceAccount
	if written := writtenAccount(template); written != "" && provisioned != nil && !*provisioned {
		return written
	}
	return object.Name
}

// writtenAccount is the account that the template asks for, or "".
func writtenAccount(template map[string]any) string {
	account, _, _ := unstructured.NestedString(template, "spec", "serviceAccountName")
	return account
}

// templateOf is the pod template as its owner wrote it, to the last field that is not known here.
func templateOf(object *cpav1.CustomPodAutoscaler) (map[string]any, error) {
	template := map[string]any{}
	if err := json.Unmarshal(object.Spec.Template.Raw, &template); err != nil {
		return nil, fmt.Errorf("reading spec.template: %w: it has to be a pod template, with metadata and spec", err)
	}
	if template == nil { // it is null
		template = map[string]any{}
	}
	dropNulls(template)
	for _, part := range []string{"metadata", "spec"} {
		if _, found, err := unstructured.NestedMap(template, part); err != nil {
			return nil, fmt.Errorf("reading spec.template.%s: it has to be an object", part)
		} else if !found {
			template[part] = map[string]any{}
		}
	}
	return template, nil
}

// dropNulls takes away what is written without a value, as the templates of charts do: for the API server it is not there.
func dropNulls(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, one := range value {
			if dropNulls(one); one == nil {
				delete(value, key)
			}
		}
	case []any:
		for _, one := range value {
			dropNulls(one)
		}
	}
}

// named is an object of ours, of a kind, for the CustomPodAutoscaler.
func named(object *cpav1.CustomPodAutoscaler, apiVersion, kind, name string, content map[string]any) *unstructured.Unstructured {
	made := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{
			"name": name, "namespace": object.Namespace, "labels": Labels(object),
			"ownerReferences": []any{map[string]any{
				"apiVersion": cpav1.GroupVersion.String(), "kind": cpav1.Kind, "name": object.Name, "uid": string(object.UID),
				"controller": true, "blockOwnerDeletion": true,
			}},
		},
	}}
	for key, value := range content {
		made.Object[key] = value
	}
	return made
}

// Labels are the labels of everything that is made for the object.
func Labels(object *cpav1.CustomPodAutoscaler) map[string]any {
	return map[string]any{cpav1.ManagedBy: cpav1.Operator, cpav1.OwnedBy: object.Name}
}

func serviceAccount(object *cpav1.CustomPodAutoscaler) *unstructured.Unstructured {
	return named(object, "v1", "ServiceAccount", object.Name, nil)
}

func roleBinding(object *cpav1.CustomPodAutoscaler, account string) *unstructured.Unstructured {
	return named(object, "rbac.authorization.k8s.io/v1", "RoleBinding", object.Name, map[string]any{
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": object.Name},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": account, "namespace": object.Namespace}},
	})
}

var errNoContainers = errors.New("spec.template.spec.containers: at least one container is needed, with the autoscaler's image")

// asMap is a value as JSON has it.
func asMap(value any) (map[string]any, error) {
	return runtime.DefaultUnstructuredConverter.ToUnstructured(value)
}
