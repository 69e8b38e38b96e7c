package operator

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// ofOperator14 is an object as the existing operator's users have it: fields that the API does not check, an environment
// in the template, a Role that is somebody else's.
const ofOperator14 = `
apiVersion: custompodautoscaler.com/v1
kind: CustomPodAutoscaler
metadata:
  name: python-custom-autoscaler
spec:
  template:
    metadata: {labels: {team: shop}, annotations: {note: mine}}
    spec:
      containers:
        - name: python-custom-autoscaler
          image: python-custom-autoscaler:latest
          imagePullPolicy: IfNotPresent
          env: [{name: SECRET, valueFrom: {secretKeyRef: {name: a, key: b}}}]
          somethingNew: {that: [kubernetes, has, some, day]}
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: hello-kubernetes}
  provisionRole: false
  roleRequiresMetricsServer: true
  config:
    - {name: interval, value: "10000"}
    - {name: mine, value: ""}
`

func TestAnObjectOfTheExistingOperatorIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	harness.InstallCRD(t)
	namespace := cluster.Start(t).Namespace(t)
	harness.Kubectl(t, ofOperator14, "apply", "-n", namespace, "-f", "-")
	get := func(path string) string {
		return harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "python-custom-autoscaler", "-o", "jsonpath="+path)
	}
	for path, want := range map[string]string{
		"{.spec.template.spec.containers[0].somethingNew.that[3]}": "day", // nothing of a template is dropped
		"{.spec.template.metadata.annotations.note}":               "mine",
		"{.spec.provisionRole} {.spec.provisionPod}":               "false true",
		"{.spec.roleRequiresArgoRollouts}":                         "false",
	} {
		if got := get(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	harness.Kubectl(t, `{"status": {"minReplicas": 0, "maxReplicas": 10, "currentReplicas": 3, "desiredReplicas": 5, "conditions": [
		{"type": "Ready", "status": "True", "reason": "MinimumReplicasAvailable", "message": "", "lastTransitionTime": "2026-01-01T12:00:00Z"}]}}`,
		"patch", "-n", namespace, "cpa", "python-custom-autoscaler", "--subresource=status", "--type=merge", "--patch-file=/dev/stdin")
	shown := strings.Split(strings.TrimSpace(harness.Kubectl(t, "", "get", "-n", namespace, "cpa")), "\n")
	for i, want := range []string{
		"NAME TARGET MIN MAX REPLICAS DESIRED READY REASON ABLE ACTIVE AGE", "python-custom-autoscaler hello-kubernetes 0 10 3 5 True MinimumReplicasAvailable ",
	} {
		if got := strings.Join(strings.Fields(shown[i]), " "); !strings.HasPrefix(got, want) {
			t.Errorf("kubectl get shows %q, want %q", got, want)
		}
	}
}

func TestAnObjectThatCannotBeRightIsRefused(t *testing.T) {
	t.Parallel()
	harness.InstallCRD(t)
	namespace := cluster.Start(t).Namespace(t)
	for _, row := range []struct{ name, old, changed, says string }{
		{"no template", "template:", "tmplate:", `unknown field "spec.tmplate"`},
		{"no target", "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: hello-kubernetes}\n", "", "spec.scaleTargetRef: Required value"},
		{"a target without a kind", "kind: Deployment, name", "name", "spec.scaleTargetRef.kind: Required value"},
		{"a target without a name", "name: hello-kubernetes", `name: ""`, "spec.scaleTargetRef.name"},
		{"a target's name that leads elsewhere", "name: hello-kubernetes", "name: ../x", "spec.scaleTargetRef.name"},
		{"a target's name that is a folder", "name: hello-kubernetes", `name: ".."`, "spec.scaleTargetRef.name"},
		{"a target's name with an escape", "name: hello-kubernetes", "name: a%2Fb", "spec.scaleTargetRef.name"},
		{"a target's kind with a subresource", "kind: Deployment, name", "kind: Deployment/scale, name", "spec.scaleTargetRef.kind"},
		{"a target in config", "name: mine", "name: scaleTargetRef", "the target and its namespace cannot be set here"},
		{"a namespace in config", "name: mine", "name: namespace", "the target and its namespace cannot be set here"},
		{"a version that is none", "apiVersion: apps/v1, kind", "apiVersion: a/b/c, kind", "spec.scaleTargetRef.apiVersion"},
		{"the same key twice", "name: mine", "name: interval", `spec.config[1]: Duplicate value`},
		{"a key that is no variable's name", "name: mine", "name: a=b", "spec.config[1].name"},
		{"a value that is a number", `value: "10000"`, "value: 10000", "spec.config[0].value"},
		{"a switch that is text", "provisionRole: false", "provisionRole: perhaps", "spec.provisionRole"},
		{"a name that is too long for a label", "name: python-custom-autoscaler\nspec", "name: " + strings.Repeat("a", 64) + "\nspec", "metadata.name may have 63 characters at most"},
	} {
		t.Run(row.name, func(t *testing.T) {
			changed := strings.Replace(ofOperator14, row.old, row.changed, 1)
			if changed == ofOperator14 {
				t.Fatalf("%q is not in the object", row.old)
			}
			if words, err := harness.KubectlFails(t, changed, "create", "--dry-run=server", "-n", namespace, "-f", "-"); err == nil || !strings.Contains(words, row.says) {
				t.Errorf("got %v %s, want %s", err, words, row.says)
			}
		})
	}
}

// TestATargetOfTheCoreGroupNeedsNoVersion, nor is its kind in one case alone.
func TestATargetOfTheCoreGroupNeedsNoVersion(t *testing.T) {
	t.Parallel()
	harness.InstallCRD(t)
	namespace := cluster.Start(t).Namespace(t)
	for _, target := range []string{"{kind: ReplicationController, name: web}", `{apiVersion: "", kind: replicationcontroller, name: web.v1}`, "{kind: a, name: ...}"} {
		object := strings.Replace(ofOperator14, "{apiVersion: apps/v1, kind: Deployment, name: hello-kubernetes}", target, 1)
		harness.Kubectl(t, object, "create", "--dry-run=server", "-n", namespace, "-f", "-")
	}
}

// TestTheExamplesObjectsAreTaken by an API server, as they are.
func TestTheExamplesObjectsAreTaken(t *testing.T) {
	t.Parallel()
	harness.InstallCRD(t)
	namespace := cluster.Start(t).Namespace(t)
	objects, err := filepath.Glob(harness.Root + "/examples/*/cpa.yaml")
	if err != nil || len(objects) < 2 {
		t.Fatalf("there are %v, %v", objects, err)
	}
	for _, object := range objects {
		harness.Kubectl(t, "", "apply", "-n", namespace, "--dry-run=server", "-f", object)
	}
}

// TestTheObjectsThatInitWritesAreTaken by an API server, as they are; and so is a Deployment with the template of each, which the
// definition of the object does not look into.
func TestTheObjectsThatInitWritesAreTaken(t *testing.T) {
	t.Parallel()
	harness.InstallCRD(t)
	namespace := cluster.Start(t).Namespace(t)
	program := harness.Build(t)
	languages, err := filepath.Glob(harness.Root + "/internal/scaffold/templates/*/parts.tmpl")
	if err != nil || len(languages) < 5 {
		t.Fatalf("there are %v, %v", languages, err)
	}
	for _, parts := range languages {
		language := filepath.Base(filepath.Dir(parts))
		folder := filepath.Join(t.TempDir(), language)
		words, err := exec.CommandContext(t.Context(), program, "init", folder, "--language", language, "--name", "123", "--namespace", namespace).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, words)
		}
		object := filepath.Join(folder, "cpa.yaml")
		harness.Kubectl(t, "", "apply", "--dry-run=server", "-f", object)
		harness.Kubectl(t, deploymentOf(t, object, language, namespace), "create", "--dry-run=server", "--validate=strict", "-f", "-")
	}
}

// deploymentOf is one with an object's template.
func deploymentOf(t *testing.T, object, name, namespace string) string {
	t.Helper()
	text, err := os.ReadFile(object)
	if err != nil {
		t.Fatal(err)
	}
	var written cpav1.CustomPodAutoscaler
	if err := yaml.UnmarshalStrict(text, &written); err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal(written.Spec.Template.Raw, &template); err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"app": name}
	template["metadata"] = map[string]any{"labels": labels}
	deployment, err := json.Marshal(map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name, "namespace": namespace},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": template},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(deployment)
}
