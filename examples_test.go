package autoscaler_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metricsapi"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

// objects are the file that runs an example in a cluster, where it is not cpa.yaml.
var objects = map[string]string{"k8s-metrics-cpu": "autoscaler.yaml"}

// TestEveryExampleIsWhole: it can be read, tried without a cluster, built, applied and found, and a script tries it.
func TestEveryExampleIsWhole(t *testing.T) {
	folders, err := os.ReadDir("examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		for _, missing := range missingOf(t, ".", folder.Name()) {
			t.Errorf("examples/%s: there is no %s", folder.Name(), missing)
		}
	}
}

func TestWhatAnExampleLacksIsSaid(t *testing.T) {
	root := t.TempDir()
	write := func(file, text string) {
		t.Helper()
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("examples/README.md", "| [whole](whole) | all | of it |\n")
	for _, file := range []string{"config.yaml", "Dockerfile", "cpa.yaml"} {
		write("examples/whole/"+file, "")
	}
	write("examples/whole/README.md", tried)
	write("examples/whole/simulation.yaml", "load: [{shape: flat}]\nassert: [failed_passes == 0, flaps < 2]\n")
	write(scripts+"example_whole.txtar", "cd $EXAMPLES/whole\n")
	if missing := missingOf(t, root, "whole"); len(missing) > 0 {
		t.Errorf("the whole one lacks %q", missing)
	}
	write("examples/poor/README.md", "Nothing to try.\n")
	write("examples/poor/simulation.yaml", "load: [{shape: flat}]\nassert: [failed_passes == 0]\n")
	want := []string{
		"config.yaml", "Dockerfile", "cpa.yaml", scripts + "example_poor.txtar", "line in examples/README.md that begins with | [poor](poor)",
		"command in README.md to try it: " + tried, "assertion in simulation.yaml besides failed_passes",
	}
	if missing := missingOf(t, root, "poor"); !slices.Equal(missing, want) {
		t.Errorf("the poor one lacks\n%q, want\n%q", missing, want)
	}
}

const (
	scripts = "cmd/custom-pod-autoscaler/testdata/"
	tried   = "custom-pod-autoscaler simulate --config config.yaml --simulation simulation.yaml"
)

// missingOf is what an example lacks.
func missingOf(t *testing.T, root, name string) (missing []string) {
	t.Helper()
	folder := filepath.Join(root, "examples", name)
	lacks := func(is bool, what string) {
		if is {
			missing = append(missing, what)
		}
	}
	lacksFile := func(path, what string) {
		_, err := os.Stat(path)
		lacks(err != nil, what)
	}
	object := "cpa.yaml"
	if other := objects[name]; other != "" {
		object = other
	}
	for _, file := range []string{"README.md", "config.yaml", "simulation.yaml", "Dockerfile", object} {
		lacksFile(filepath.Join(folder, file), file)
	}
	script := scripts + "example_" + name + ".txtar"
	lacksFile(filepath.Join(root, script), script)
	line := "| [" + name + "](" + name + ")"
	lacks(!strings.Contains("\n"+textOf(filepath.Join(root, "examples", "README.md")), "\n"+line),
		"line in examples/README.md that begins with "+line)
	lacks(!strings.Contains(textOf(filepath.Join(folder, "README.md")), tried), "command in README.md to try it: "+tried)
	settings, _, _ := simulation.LoadSettings(filepath.Join(folder, "simulation.yaml")) // what cannot be read asserts nothing
	lacks(!slices.ContainsFunc(settings.Assert, func(text string) bool { return !strings.HasPrefix(text, "failed_passes ") }),
		"assertion in simulation.yaml besides failed_passes")
	return missing
}

// textOf is a file's, or nothing.
func textOf(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// TestRolesOfExamplesAreThoseOfTheirCalls compares the Role of an autoscaler without the operator with the calls that its
// configuration needs.
func TestRolesOfExamplesAreThoseOfTheirCalls(t *testing.T) {
	const folder = "examples/k8s-metrics-cpu"
	loaded, err := config.Load(folder+"/config.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	settings := loaded.Config
	needed := []rights.When{rights.Scaling, rights.Events}
	if settings.NeedsPods() {
		needed = append(needed, rights.Pods)
	}
	want := grants(rights.Rules(rights.Select(rights.Autoscaler, needed...), rights.About{
		Target: schema.GroupResource{Group: "apps", Resource: "deployments"}, TargetName: settings.ScaleTargetRef.Name,
	}))
	client := metricsapi.New(nil)
	for _, call := range client.Calls(t.Context(), time.Time{}, settings.Namespace, settings.KubernetesMetricSpecs) {
		want = append(want, grants([]rbacv1.PolicyRule{{APIGroups: []string{call.Path.Version.Group}, Resources: []string{call.Path.Resource}, Verbs: []string{call.Verb}}})...)
	}
	sameGrants(t, rulesIn(t, folder+"/autoscaler.yaml", "Role"), want)
}

// TestClusterRolesOfExamplesAreWhatATargetAddsToTheOperators compares them with the calls about a target of any name.
func TestClusterRolesOfExamplesAreWhatATargetAddsToTheOperators(t *testing.T) {
	calls := rights.Select(rights.Autoscaler, rights.Scaling)
	for i := range calls {
		calls[i].Named = rights.Any
	}
	want := rights.Rules(calls, rights.About{Target: schema.GroupResource{Group: "games.example.com", Resource: "gameserverfleets"}})
	sameGrants(t, rulesIn(t, "examples/custom-resource/clusterrole.yaml", "ClusterRole"), grants(want))
}

// rulesIn are the rules of the one role in a file, taken apart.
func rulesIn(t *testing.T, file, kind string) []string {
	t.Helper()
	for document := range strings.SplitSeq(textOf(file), "\n---\n") {
		var role rbacv1.Role
		if err := yaml.Unmarshal([]byte(document), &role); err != nil {
			t.Fatal(err)
		}
		if role.Kind == kind {
			return grants(role.Rules)
		}
	}
	t.Fatalf("%s has no %s", file, kind)
	return nil
}

// grants are rules taken apart: "apps" deployments ["web"] get
func grants(rules []rbacv1.PolicyRule) (all []string) {
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, fmt.Sprintf("%q %s %q %s", group, resource, rule.ResourceNames, verb))
				}
			}
		}
	}
	return all
}

func sameGrants(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the rights are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
