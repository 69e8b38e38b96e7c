package charts

import (
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const (
	definition = "../api/v1/custompodautoscaler.com_custompodautoscalers.yaml"
	template   = name + "/templates/customresourcedefinition.yaml"
	manifest   = "../deploy/" + name + ".yaml"
	policyFile = "../deploy/" + name + "-policy.yaml"
)

var update = flag.Bool("update", false, "write what is generated")

// definitionTemplate is the definition as the chart has it. It stays a template, where the chart of operator 1.4 has it: Helm would
// delete it, and all objects with it, if it moved to crds/. And it is marked to stay when the release goes.
func definitionTemplate(t *testing.T) string {
	t.Helper()
	const annotations = "\n  annotations:\n"
	text := read(t, definition)
	if strings.Count(text, annotations) != 1 || strings.Contains(text, "{{") {
		t.Fatalf("%s is not what can be made a template", definition)
	}
	text = strings.Replace(text, annotations, annotations+"    helm.sh/resource-policy: keep\n", 1)
	return "{{- if .Values.crds.install }}\n" + text + "{{- end }}\n"
}

const manifestHead = `# Generated from the chart by: make update-manifest
#
# The operator with its usual values, for: kubectl apply -f
apiVersion: v1
kind: Namespace
metadata:
  name: custom-pod-autoscaler-operator
  labels:
    app.kubernetes.io/name: custom-pod-autoscaler-operator
    pod-security.kubernetes.io/enforce: restricted
`

func wholeManifest(t *testing.T, arguments ...string) string {
	t.Helper()
	// Clusters before Kubernetes 1.30 do not have the policy's kind, so that it is in a file of its own.
	rendered, err := helm(t, append([]string{"template", name, chart, "--namespace", name, "--set", "admissionPolicy.enabled=false"}, arguments...)...)
	if err != nil {
		t.Fatal(err)
	}
	return manifestHead + strings.ReplaceAll(rendered, "\n\n---", "\n---")
}

const policyHead = `# Generated from the chart by: make update-manifest
#
# The admission policy of the operator, for Kubernetes 1.30 and later: kubectl apply -f
`

// wholePolicy is the policy beside the manifest, with what lets the role edit write the objects.
func wholePolicy(t *testing.T, arguments ...string) string {
	t.Helper()
	rendered, err := helm(t, append([]string{"template", name, chart, "--namespace", name, "--show-only", "templates/admissionpolicy.yaml"}, arguments...)...)
	if err != nil {
		t.Fatal(err)
	}
	return policyHead + regexp.MustCompile(`\n+---\n`).ReplaceAllString(strings.TrimRight(strings.TrimPrefix(rendered, "---\n"), "\n")+"\n", "\n---\n")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	return string(text)
}

// fresh tells whether a file is what it is generated to be, and makes it so when asked to.
func fresh(t *testing.T, path, want string) bool {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, path) == want
}

func TestGeneratedFilesAreUpToDate(t *testing.T) { // not beside others, which are to see what it writes
	if !fresh(t, template, definitionTemplate(t)) {
		t.Errorf("%s is stale: run `make update-manifest`", template)
	}
	if !fresh(t, manifest, wholeManifest(t)) {
		t.Errorf("%s is stale: run `make update-manifest`", manifest)
	}
	if !fresh(t, policyFile, wholePolicy(t)) {
		t.Errorf("%s is stale: run `make update-manifest`", policyFile)
	}
}

// A check that cannot fail is none.
func TestAStaleFileIsNoticed(t *testing.T) {
	if *update {
		t.Skip("it is about reading only")
	}
	if fresh(t, manifest, wholeManifest(t, "--set", "concurrency=5")) {
		t.Error("a change of the chart is not noticed")
	}
	if fresh(t, policyFile, wholePolicy(t, "--set", "customTargets=null")) {
		t.Error("a change of the policy is not noticed")
	}
	if fresh(t, template, strings.Replace(definitionTemplate(t), "cpa", "cpas", 1)) {
		t.Error("a change of the definition is not noticed")
	}
}

// TestTheDefinitionIsRenderedAsItIs: nothing of it is taken for a template's own.
func TestTheDefinitionIsRenderedAsItIs(t *testing.T) {
	const key = "CustomResourceDefinition/custompodautoscalers.custompodautoscaler.com"
	want := parse(t, strings.TrimPrefix(read(t, definition), "---\n"))[key]
	got := render(t)[key]
	annotations := got.GetAnnotations()
	if annotations["helm.sh/resource-policy"] != "keep" {
		t.Error("it is not marked to be kept")
	}
	delete(annotations, "helm.sh/resource-policy")
	got.SetAnnotations(annotations)
	if !reflect.DeepEqual(got.Object, want.Object) {
		t.Error("it is another one")
	}
}

// TestTheManifestIsForApply: what the cluster fills in has no place in it, lest applying it again empties it.
func TestTheManifestIsForApply(t *testing.T) {
	all := parse(t, read(t, manifest))
	if role := all["ClusterRole/"+name]; role == nil || role.Object["rules"] != nil {
		t.Errorf("the aggregated role is %v", role)
	}
	for key, object := range all {
		if namespace := object.GetNamespace(); namespace != "" && namespace != name {
			t.Errorf("%s is in the namespace %s", key, namespace)
		}
		if strings.Contains(object.GetLabels()["app.kubernetes.io/managed-by"], "Helm") {
			t.Errorf("%s says that Helm manages it", key)
		}
	}
}
