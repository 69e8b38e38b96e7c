package rights

import (
	"reflect"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestRules(t *testing.T) {
	web := About{Target: schema.GroupResource{Group: "apps", Resource: "deployments"}, TargetName: "web", Object: "mine"}
	rule := func(group, resource string, names []string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names, Verbs: verbs}
	}
	for _, row := range []struct {
		name  string
		calls []Call
		want  []rbacv1.PolicyRule
	}{
		{"none", nil, nil},
		{"of the target", Select(Autoscaler, Scaling), []rbacv1.PolicyRule{
			rule("apps", "deployments", []string{"web"}, "get"), rule("apps", "deployments/scale", []string{"web"}, "get", "patch"),
		}},
		{"of one resource, by name and without", Select(Autoscaler, Lease), []rbacv1.PolicyRule{
			rule("coordination.k8s.io", "leases", nil, "create"), rule("coordination.k8s.io", "leases", []string{"mine.custompodautoscaler.com"}, "get", "patch"),
		}},
		{"for several purposes, in the order of the table", Select(Autoscaler, Events, Pods), []rbacv1.PolicyRule{
			rule("", "pods", nil, "list", "watch"), rule("", "events", nil, "create", "patch"),
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Rules(row.calls, web); !reflect.DeepEqual(got, row.want) {
				t.Errorf("got  %+v\nwant %+v", got, row.want)
			}
		})
	}
}

func TestTableNamesNoCallTwice(t *testing.T) {
	for name, all := range map[string][]Call{"the autoscaler": Autoscaler, "the operator": Operator} {
		for i, call := range all {
			same := func(other Call) bool {
				return other.When == call.When && other.Verb == call.Verb && other.Of(About{}) == call.Of(About{}) && other.Named == call.Named
			}
			if slices.ContainsFunc(all[i+1:], same) {
				t.Errorf("%s has twice %+v", name, call)
			}
		}
	}
}

// TestTableGrantsNothingBroad holds that no call is of all resources, but those by which metrics are named.
func TestTableGrantsNothingBroad(t *testing.T) {
	for _, call := range slices.Concat(Autoscaler, Operator) {
		metric := call.Group == CustomMetric.Group || call.Group == ExternalMetric.Group
		if call.Verb == "*" || call.Group == "*" || call.Resource == "*" && !metric || call.Resource == "secrets" {
			t.Errorf("it has %+v", call)
		}
	}
}
