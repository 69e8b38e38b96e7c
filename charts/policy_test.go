package charts

import (
	"maps"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestAdmissionPolicyRefusesWhatItCannotCheck(t *testing.T) {
	t.Parallel()
	all := render(t)
	spec := as[admissionv1.ValidatingAdmissionPolicy](t, all, "ValidatingAdmissionPolicy/"+name).Spec
	if *spec.FailurePolicy != admissionv1.Fail || spec.MatchConstraints.NamespaceSelector != nil || len(spec.MatchConditions) != 0 {
		t.Errorf("the policy is %+v", spec)
	}
	rule := spec.MatchConstraints.ResourceRules[0]
	if len(spec.MatchConstraints.ResourceRules) != 1 || !slices.Equal(rule.Resources, []string{"custompodautoscalers"}) || !slices.Equal(rule.APIVersions, []string{"*"}) ||
		!slices.Equal(rule.Operations, []admissionv1.OperationType{admissionv1.Create, admissionv1.Update}) {
		t.Errorf("it matches %+v", rule)
	}
	binding := as[admissionv1.ValidatingAdmissionPolicyBinding](t, all, "ValidatingAdmissionPolicyBinding/"+name).Spec
	if binding.PolicyName != name || !slices.Equal(binding.ValidationActions, []admissionv1.ValidationAction{admissionv1.Deny, admissionv1.Audit}) {
		t.Errorf("the binding is %+v", binding)
	}
}

// variable is the expression of a variable of the policy.
func variable(t *testing.T, all map[string]*unstructured.Unstructured, key, variable string) string {
	t.Helper()
	for _, one := range as[admissionv1.ValidatingAdmissionPolicy](t, all, key).Spec.Variables {
		if one.Name == variable {
			return one.Expression
		}
	}
	t.Fatalf("%s has no variable %s", key, variable)
	return ""
}

func TestAdmissionPolicyKnowsTheResourceOfEachKind(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ set, want string }{
		{"", "'argoproj.io/rollout': 'rollouts', "},
		{"customTargets=null", ""},
		{"customTargets[0].apiGroup=a.io,customTargets[0].resource=workers", ""}, // without a kind
		{"customTargets[0].apiGroup=a.io,customTargets[0].resource=workers,customTargets[0].kind=WorkerSet", "'a.io/workerset': 'workers', "},
		{"customTargets[0].apiGroup=apps,customTargets[0].resource=deployments,customTargets[0].kind=Deployment", ""}, // which is there already
	} {
		t.Run(row.set, func(t *testing.T) {
			t.Parallel()
			got := variable(t, render(t, "--set", row.set), "ValidatingAdmissionPolicy/"+name, "resources")
			want := "{'/replicationcontroller': 'replicationcontrollers', 'apps/deployment': 'deployments', 'apps/replicaset': 'replicasets', 'apps/statefulset': 'statefulsets'}"
			if strings.HasPrefix(row.want, "'arg") {
				want = strings.Replace(want, "statefulsets'}", "statefulsets', "+strings.TrimSuffix(row.want, ", ")+"}", 1)
			} else {
				want = strings.Replace(want, "{'/replicationcontroller': 'replicationcontrollers', ", "{'/replicationcontroller': 'replicationcontrollers', "+row.want, 1)
			}
			if got != want {
				t.Errorf("the table is %s, want %s", got, want)
			}
		})
	}
}

func TestAdmissionPoliciesOfTwoReleasesDoNotCollide(t *testing.T) {
	t.Parallel()
	policies := map[string][]string{}
	for _, release := range [][]string{
		{name, "one"}, {name, "two"}, {"a", "one"}, {"one", "a"}, {"a.one", "b"}, {"a", "one-b"}, {"one-a", "b"},
	} {
		text, err := helm(t, "template", release[0], chart, "--namespace", release[1], "--set", "mode=namespaced")
		if err != nil {
			t.Fatal(err)
		}
		all := parse(t, text)
		for key := range all {
			policy, found := strings.CutPrefix(key, "ValidatingAdmissionPolicy/")
			if !found {
				continue
			}
			if policies[policy] != nil || policy == name {
				t.Errorf("the releases %v and %v have the policy %s", policies[policy], release, policy)
			}
			policies[policy] = release
			selector := as[admissionv1.ValidatingAdmissionPolicy](t, all, key).Spec.MatchConstraints.NamespaceSelector.MatchExpressions
			if len(selector) != 1 || selector[0].Key != "kubernetes.io/metadata.name" || !slices.Equal(selector[0].Values, release[1:]) {
				t.Errorf("%s selects %+v", policy, selector)
			}
			role := as[rbacv1.ClusterRole](t, all, "ClusterRole/"+policy+"-policy-reader")
			if !slices.Equal(role.Rules[0].ResourceNames, []string{policy}) || !slices.Equal(role.Rules[0].Verbs, []string{"get"}) {
				t.Errorf("the operator may %+v", role.Rules)
			}
		}
	}
	if len(policies) != 7 {
		t.Errorf("there are %v", policies)
	}
}

// writers are the cluster's roles that may write the objects, by the labels of what is rendered.
func writers(t *testing.T, all map[string]*unstructured.Unstructured) (roles []string) {
	t.Helper()
	for key, object := range all {
		if object.GetKind() != "ClusterRole" || !apart(as[rbacv1.ClusterRole](t, all, key).Rules)[`"custompodautoscaler.com" custompodautoscalers create`] {
			continue
		}
		for label := range maps.Keys(object.GetLabels()) {
			if to, found := strings.CutPrefix(label, "rbac.authorization.k8s.io/aggregate-to-"); found {
				roles = append(roles, to)
			}
		}
	}
	slices.Sort(roles)
	return roles
}

func TestAdmissionPolicyLetsTheRoleEditWriteObjects(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, arguments, writers, policy string }{
		{"with the policy", "", "admin edit", "yes"},
		{"in some namespaces", "--set watchNamespaces={shop}", "admin edit", "yes"},
		{"without the policy", "--set admissionPolicy.enabled=false", "admin", "no"},
		{"in a cluster before 1.30", "--kube-version 1.29.9", "admin", "no"},
		{"in a cluster without the kind", "--api-versions v1/Pod", "admin", "no"},
		{"in a cluster with the kind", "--api-versions v1/Pod --api-versions admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy", "admin edit", "yes"},
		{"in a managed cluster of 1.30", "--kube-version v1.30.0-eks-1", "admin edit", "yes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			all := render(t, strings.Fields(row.arguments)...)
			installed := slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(key string) bool { return strings.HasPrefix(key, "ValidatingAdmissionPolicy") })
			if got := strings.Join(writers(t, all), " "); got != row.writers || installed != (row.policy == "yes") {
				t.Errorf("writers are %s, want %s; policy: %t", got, row.writers, installed)
			}
			readers := all["ClusterRole/"+name+"-view"].GetLabels()
			if readers["rbac.authorization.k8s.io/aggregate-to-view"] != "true" {
				t.Errorf("the role view may not read: %v", readers)
			}
		})
	}
	t.Run("in the plain manifest only with the policy's file", func(t *testing.T) {
		t.Parallel()
		plain, policy := parse(t, read(t, manifest)), parse(t, read(t, policyFile))
		if got := strings.Join(writers(t, plain), " "); got != "admin" {
			t.Errorf("of the manifest, writers are %s", got)
		}
		if got := strings.Join(writers(t, policy), " "); got != "edit" || len(policy) != 3 {
			t.Errorf("of the policy's file, writers are %s, and there are %v", got, slices.Sorted(maps.Keys(policy)))
		}
	})
}

func TestNotesWarnWithoutTheAdmissionPolicy(t *testing.T) {
	t.Parallel()
	notes := func(arguments ...string) string {
		text, err := helm(t, append([]string{"install", name, chart, "--dry-run=client", "--namespace", "operators"}, arguments...)...)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ = strings.Cut(text, "\nNOTES:\n")
		return text
	}
	if text := notes(); strings.Contains(text, "WARNING") || !strings.Contains(text, "need the rights to create pods") {
		t.Errorf("with the policy: %s", text)
	}
	text := notes("--set", "admissionPolicy.enabled=false")
	for _, words := range []string{"WARNING", "admissionPolicy.enabled is false", "amounts to creating pods there, reading its Secrets", "SECURITY.md"} {
		if !strings.Contains(text, words) {
			t.Errorf("without the policy, %q is missing in: %s", words, text)
		}
	}
}
