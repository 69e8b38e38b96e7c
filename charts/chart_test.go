// Package charts holds what the chart promises: rights by least privilege, pods by the restricted standard, and refusing what
// cannot be right.
package charts

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
)

const (
	name  = "custom-pod-autoscaler-operator"
	chart = "charts/" + name
)

// helm runs it in the repository's top folder.
func helm(t *testing.T, arguments ...string) (output string, err error) {
	t.Helper()
	readAll(t, name, "testdata")
	command := exec.CommandContext(t.Context(), "go", append([]string{"tool", "-modfile=tools/helm/go.mod", "helm"}, arguments...)...)
	command.Dir = ".."
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, &stderr)
	}
	return stdout.String(), nil
}

// readAll makes the files the test's own: a passed test is run again only when something changes that it has read itself.
func readAll(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				_, err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// render gives what the chart makes of values, by kind and name.
func render(t *testing.T, arguments ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	text, err := helm(t, append([]string{"template", name, chart, "--namespace", "operators"}, arguments...)...)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

func parse(t *testing.T, text string) map[string]*unstructured.Unstructured {
	t.Helper()
	all := map[string]*unstructured.Unstructured{}
	for document := range strings.SplitSeq(text, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(document), &object.Object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if object.Object != nil {
			all[strings.TrimSuffix(object.GetKind()+" "+object.GetNamespace(), " ")+"/"+object.GetName()] = object
		}
	}
	return all
}

// as gives one of what was rendered as its type.
func as[T any](t *testing.T, all map[string]*unstructured.Unstructured, key string) *T {
	t.Helper()
	object, into := all[key], new(T)
	if object == nil {
		t.Fatalf("there is no %s among %v", key, slices.Sorted(maps.Keys(all)))
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return into
}

func TestWhatIsMadeOfTheValues(t *testing.T) {
	t.Parallel()
	always := []string{
		"ClusterRole/" + name, "ClusterRole/" + name + "-base", "ClusterRole/" + name + "-edit", "ClusterRole/" + name + "-view",
		"Deployment operators/" + name, "Role operators/" + name + "-leader-election",
		"RoleBinding operators/" + name + "-leader-election", "ServiceAccount operators/" + name,
	}
	definition, targets := "CustomResourceDefinition/custompodautoscalers.custompodautoscaler.com", "ClusterRole/"+name+"-custom-targets"
	everywhere := "ClusterRoleBinding/" + name
	reader := func(policy string) []string {
		return []string{"ClusterRole/" + policy + "-policy-reader", "ClusterRoleBinding/" + policy + "-policy-reader"}
	}
	policy := func(policy string) []string {
		return append(reader(policy), "ValidatingAdmissionPolicy/"+policy, "ValidatingAdmissionPolicyBinding/"+policy, "ClusterRole/"+policy+"-policy-edit")
	}
	metrics := []string{"ClusterRole/" + name + "-metrics-auth", "ClusterRole/" + name + "-metrics-reader", "ClusterRoleBinding/" + name + "-metrics-auth", "Service operators/" + name + "-metrics"}
	usual := slices.Concat(always, metrics, []string{definition, targets})
	for _, row := range []struct {
		values string
		want   []string
	}{
		{"default", slices.Concat(usual, policy(name), []string{everywhere})},
		{"everything", append(slices.Concat(usual, reader(name)), everywhere, "NetworkPolicy operators/"+name, "PodDisruptionBudget operators/"+name, "ServiceMonitor operators/"+name)},
		{"nothing", append(slices.Concat(always, policy(name)), everywhere, "NetworkPolicy operators/"+name)},
		{"namespaced", append(slices.Concat(usual, policy(name+".operators")), "RoleBinding operators/"+name+"-watched")},
		{"watched", append(slices.Concat(usual, policy(name+".operators")), "RoleBinding shop/"+name+"-watched", "RoleBinding default/"+name+"-watched")},
	} {
		t.Run(row.values, func(t *testing.T) {
			t.Parallel()
			got := slices.Sorted(maps.Keys(render(t, "-f", "charts/testdata/"+row.values+".yaml")))
			slices.Sort(row.want)
			if !slices.Equal(got, row.want) {
				t.Errorf("there are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(row.want, "\n"))
			}
		})
	}
}

func TestTheOperatorsArguments(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ values, want string }{
		{"default", "--metrics-address=:8443 --concurrency=4 --admission-policy=" + name},
		{"everything", "--metrics-address=:9443 --concurrency=8 --admission-policy=" + name + " --log-json"},
		{"nothing", "--metrics-address=0 --concurrency=4 --admission-policy=" + name},
		{"namespaced", "--metrics-address=:8443 --concurrency=4 --admission-policy=" + name + ".operators --namespace=operators"},
		{"watched", "--metrics-address=:8443 --concurrency=4 --admission-policy=" + name + ".operators --namespace=shop --namespace=default"},
	} {
		t.Run(row.values, func(t *testing.T) {
			t.Parallel()
			deployment := as[appsv1.Deployment](t, render(t, "-f", "charts/testdata/"+row.values+".yaml"), "Deployment operators/"+name)
			got := strings.Join(deployment.Spec.Template.Spec.Containers[0].Args, " ")
			if want := "--leader-elect --leader-elect-namespace=operators --probe-address=:8081 " + row.want; got != want {
				t.Errorf("they are %s, want %s", got, want)
			}
		})
	}
}

// TestTheDeploymentIsThatOfTheChartBefore in what cannot be changed: its name and its selector.
func TestTheDeploymentIsThatOfTheChartBefore(t *testing.T) {
	t.Parallel()
	deployment := as[appsv1.Deployment](t, render(t), "Deployment operators/"+name)
	if got := deployment.Spec.Selector.MatchLabels; len(got) != 1 || got["name"] != name || deployment.Spec.Template.Labels["name"] != name {
		t.Errorf("the selector is %v, the pods have %v", got, deployment.Spec.Template.Labels)
	}
}

func TestWhatCannotBeRightIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, set, says string }{
		{"a value that there is not", "foo=1", "additional properties 'foo' not allowed"},
		{"a part that there is not", "image.name=a", "at '/image': additional properties 'name' not allowed"},
		{"a mode that there is not", "mode=everywhere", "at '/mode': value must be one of 'cluster', 'namespaced'"},
		{"fewer than no operators", "replicas=-1", "at '/replicas': minimum: got -1, want 0"},
		{"a number that is text", "concurrency=many", "at '/concurrency': got string, want integer"},
		{"a switch that is text", "crds.install=perhaps", "at '/crds/install': got string, want boolean"},
		{"a version that is a number", "image.tag=3", "at '/image/tag': got number, want string"},
		{"a digest that is none", "image.digest=abc", "at '/image/digest': 'abc' does not match pattern"},
		{"one namespace that is no list", "watchNamespaces=shop", "at '/watchNamespaces': got string, want array"},
		{"the same namespace twice", "watchNamespaces={shop,shop}", "at '/watchNamespaces': items at 0 and 1 are equal"},
		{"a kind instead of a resource", "customTargets[0].resource=Rollout", "at '/customTargets/0/resource': 'Rollout' does not match pattern"},
		{"a target without its group", "customTargets[0].resource=rollouts", "at '/customTargets/0': missing property 'apiGroup'"},
		{"all of a group", "customTargets[0].resource=*", "at '/customTargets/0/resource': '*' does not match pattern"},
		{"a resource instead of a kind", "customTargets[0].apiGroup=a.io,customTargets[0].resource=b,customTargets[0].kind=workers", "at '/customTargets/0/kind': 'workers' does not match pattern"},
		{"a kind that is CEL", "customTargets[0].apiGroup=a.io,customTargets[0].resource=b,customTargets[0].kind=A'", "at '/customTargets/0/kind'"},
		{"a kind of two resources", "customTargets[0].apiGroup=apps,customTargets[0].resource=workers,customTargets[0].kind=DEPLOYMENT", "customTargets has two resources of the kind DEPLOYMENT in apps, deployments and workers"},
		{"a policy that is text", "admissionPolicy.enabled=perhaps", "at '/admissionPolicy/enabled': got string, want boolean"},
		{"a policy without its switch", "admissionPolicy.enabled=null", "at '/admissionPolicy': missing property 'enabled'"},
		{"a label of the selector", "podLabels.name=mine", "podLabels may not have name: the chart sets it itself"},
		{"two servers of one port", "metrics.port=8081", "metrics.port may not be 8081: it is that of the probes"},
		{"reading metrics that are off", "metrics.enabled=false,metrics.serviceMonitor.enabled=true", "there would be nothing to read"},
		{"values of a chart before, reused", "image=null,crds=null", "at '': missing properties 'image', 'crds'"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if _, err := helm(t, "template", name, chart, "--set", row.set); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %s", err, row.says)
			}
		})
	}
}

// apart are rules taken apart: "group resource verb".
func apart(rules []rbacv1.PolicyRule) map[string]bool {
	all := map[string]bool{}
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all[fmt.Sprintf("%q %s %s", group, resource, verb)] = true
				}
			}
		}
	}
	return all
}

// handedOn is what an autoscaler may be given, for the kinds of targets.
func handedOn(targets ...schema.GroupResource) (rules []rbacv1.PolicyRule) {
	object := &cpav1.CustomPodAutoscaler{Spec: cpav1.Spec{Config: []cpav1.ConfigEntry{{Name: "kubernetesMetricSpecs", Value: "[]"}}}}
	for _, target := range targets {
		rules = append(rules, desired.Rules(object, target)...)
	}
	return rules
}

// handedOnOnlyFor is what a target adds to that of any other.
func handedOnOnlyFor(target schema.GroupResource) map[string]bool {
	return without(apart(handedOn(target)), apart(handedOn(schema.GroupResource{Group: "apps", Resource: "deployments"})))
}

// TestTheOperatorMayDoWhatItDoesAndWhatItHandsOn, and nothing else: the API server lets nobody give rights that he has not himself.
func TestTheOperatorMayDoWhatItDoesAndWhatItHandsOn(t *testing.T) {
	t.Parallel()
	all := render(t)
	base := as[rbacv1.ClusterRole](t, all, "ClusterRole/"+name+"-base")
	want := apart(handedOn(
		schema.GroupResource{Group: "apps", Resource: "deployments"}, schema.GroupResource{Group: "apps", Resource: "statefulsets"},
		schema.GroupResource{Group: "apps", Resource: "replicasets"}, schema.GroupResource{Resource: "replicationcontrollers"},
	))
	itself := rights.Select(rights.Operator, rights.Objects, rights.Events, rights.Labels, rights.Rivals)
	maps.Copy(want, apart(rights.Rules(itself, rights.About{Target: desired.Deployments})))
	same(t, apart(base.Rules), want)

	targets := as[rbacv1.ClusterRole](t, all, "ClusterRole/"+name+"-custom-targets")
	same(t, apart(targets.Rules), handedOnOnlyFor(schema.GroupResource{Group: "argoproj.io", Resource: "rollouts"}))

	whole := as[rbacv1.ClusterRole](t, all, "ClusterRole/"+name)
	if whole.Rules != nil || whole.AggregationRule == nil {
		t.Errorf("the operator's role is %+v, %+v; want no rules, but where they come from", whole.Rules, whole.AggregationRule)
	}
	for _, role := range []*rbacv1.ClusterRole{base, targets} {
		if label := cpav1.AggregateToOperator; role.Labels[label] != "true" || whole.AggregationRule.ClusterRoleSelectors[0].MatchLabels[label] != "true" {
			t.Errorf("%s is not a part of it", role.Name)
		}
	}
}

// TestTheOperatorsOtherRolesAreThoseOfItsCalls, and of the very objects that these are about.
func TestTheOperatorsOtherRolesAreThoseOfItsCalls(t *testing.T) {
	t.Parallel()
	all := render(t)
	for _, row := range []struct {
		role string
		when rights.When
	}{
		{"Role operators/" + name + "-leader-election", rights.LeaderElection},
		{"ClusterRole/" + name + "-policy-reader", rights.Policy},
		{"ClusterRole/" + name + "-metrics-auth", rights.Callers},
	} {
		t.Run(string(row.when), func(t *testing.T) {
			role := as[rbacv1.ClusterRole](t, map[string]*unstructured.Unstructured{"": all[row.role]}, "")
			want := rights.Rules(rights.Select(rights.Operator, row.when), rights.About{Policy: name})
			same(t, byName(role.Rules), byName(want))
		})
	}
}

// byName are rules taken apart, with the names that they are about.
func byName(rules []rbacv1.PolicyRule) map[string]bool {
	all := map[string]bool{}
	for _, rule := range rules {
		for right := range apart([]rbacv1.PolicyRule{rule}) {
			all[fmt.Sprintf("%s %q", right, rule.ResourceNames)] = true
		}
	}
	return all
}

func without(all, some map[string]bool) map[string]bool {
	left := maps.Clone(all)
	maps.DeleteFunc(left, func(key string, _ bool) bool { return some[key] })
	return left
}

func same(t *testing.T, got, want map[string]bool) {
	t.Helper()
	for right := range without(want, got) {
		t.Errorf("the right to %s is missing", right)
	}
	for right := range without(got, want) {
		t.Errorf("the right to %s is not needed", right)
	}
}

// TestNoRoleIsDangerous, whatever the values are.
func TestNoRoleIsDangerous(t *testing.T) {
	t.Parallel()
	for key, object := range render(t, "-f", "charts/testdata/everything.yaml") {
		if !strings.HasSuffix(object.GetKind(), "Role") {
			continue
		}
		rules := as[rbacv1.ClusterRole](t, map[string]*unstructured.Unstructured{key: object}, key).Rules
		for right := range apart(rules) {
			words := strings.Fields(right)
			metrics := words[0] == `"custom.metrics.k8s.io"` || words[0] == `"external.metrics.k8s.io"`
			if slices.Contains([]string{"*", "escalate", "bind", "impersonate"}, words[2]) || words[1] == "secrets" || words[0] == `"*"` || strings.Contains(words[1], "*") && !metrics {
				t.Errorf("%s gives the right to %s", key, right)
			}
		}
	}
}
