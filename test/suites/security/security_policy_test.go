package security

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// policyTarget is the target of harness.AutoscalerObject, and policyPaused the annotation that holds it.
const (
	policyTarget = "{apiVersion: apps/v1, kind: Deployment, name: web}"
	policyPaused = "v1.custompodautoscaler.com/paused-replicas"
)

// policyUsers have one right each beside that to write the objects. The account scaler-of-web may scale that target alone.
const policyUsers = `
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: writer}, rules: [{apiGroups: [custompodautoscaler.com], resources: [custompodautoscalers, custompodautoscalers/status], verbs: ["*"]}, {apiGroups: [""], resources: [configmaps], verbs: ["*"]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: pods}, rules: [{apiGroups: [""], resources: [pods], verbs: [create]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: scale}, rules: [
  {apiGroups: [apps], resources: [deployments/scale, statefulsets/scale, replicasets/scale], verbs: [patch]},
  {apiGroups: [""], resources: [replicationcontrollers/scale], verbs: [patch]},
  {apiGroups: [argoproj.io], resources: [rollouts/scale], verbs: [patch]},
  {apiGroups: [any.example.com], resources: ["*/scale"], verbs: [patch]},
  {apiGroups: [one.example.com, evil.io], resources: [workers/scale, deployments/scale], verbs: [patch]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: scale-web}, rules: [{apiGroups: [apps], resources: [deployments/scale], resourceNames: [web], verbs: [patch]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: target}, rules: [{apiGroups: [apps], resources: [deployments], verbs: [get, patch, update]}]}
`

// policyBindings are the roles of each user: those of the namespace, and then those of the cluster.
var policyBindings = map[string][]string{
	"attacker": {"writer"}, "runner": {"writer", "pods"}, "scaler": {"writer", "scale"}, "target-writer": {"writer", "pods", "target"},
	"author": {"writer", "pods", "scale"}, "author-of-web": {"writer", "pods", "scale-web"}, "flux": {"writer", "pods", "scale"},
}

// policed is a namespace with the chart's policy, its users and a target. The tests that use it are not parallel: installing the
// operator in another test would take away what has the labels of the chart.
func policed(t *testing.T) (namespace string) {
	t.Helper()
	harness.InstallCRD(t)
	namespace = harness.Deploy(t, 1)
	applyPolicy(t, namespace, "default")
	harness.Kubectl(t, policyUsers, "apply", "-n", namespace, "-f", "-")
	for user, roles := range policyBindings {
		for _, role := range roles {
			harness.Kubectl(t, "", "create", "rolebinding", "-n", namespace, user+"-"+role, "--role="+role, "--user="+user, "--serviceaccount="+namespace+":"+user)
		}
	}
	for _, role := range []string{"admin", "edit"} { // of the cluster's own, as they are without what aggregates to them
		harness.Kubectl(t, "", "create", "rolebinding", "-n", namespace, "namespace-"+role, "--clusterrole="+role, "--user=namespace-"+role)
		harness.Kubectl(t, "", "create", "rolebinding", "-n", namespace, "namespace-"+role+"-writer", "--role=writer", "--user=namespace-"+role)
	}
	refusesAttackers(t, namespace)
	return namespace
}

// applyPolicy installs the policy of a release that looks after its own namespace, and takes it away after the test.
func applyPolicy(t *testing.T, namespace, values string) (name string) {
	t.Helper()
	rendered := harness.Helm(t, "template", harness.OperatorName, harness.Chart, "--namespace", namespace, "--set", "mode=namespaced", "-f", "charts/testdata/"+values+".yaml",
		"--show-only", "templates/admissionpolicy.yaml")
	harness.Kubectl(t, rendered, "apply", "-f", "-")
	t.Cleanup(func() { harness.Kubectl(t, rendered, "delete", "--ignore-not-found", "-f", "-") })
	return harness.OperatorName + "." + namespace
}

// refusesAttackers waits until the API server has the policy in force.
func refusesAttackers(t *testing.T, namespace string) {
	t.Helper()
	harness.Eventually(t, "the policy to be in force", func() (bool, error) {
		words, err := as(t, "attacker", harness.AutoscalerObject, "create", "--dry-run=server", "-n", namespace, "-f", "-")
		return err != nil && strings.Contains(words, "ValidatingAdmissionPolicy"), fmt.Errorf("%w %s", err, words)
	})
}

// as runs kubectl by impersonation, as Flux does, and gives all that it prints.
func as(t *testing.T, user, stdin string, arguments ...string) (words string, err error) {
	t.Helper()
	return kubectlWith(t, cluster.Start(t).Kubeconfig(), stdin, append([]string{"--as", user}, arguments...)...)
}

func kubectlWith(t *testing.T, kube, stdin string, arguments ...string) (words string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), cluster.Start(t).Kubectl(), append([]string{"--kubeconfig", kube}, arguments...)...)
	command.Stdin = strings.NewReader(stdin)
	var both bytes.Buffer
	command.Stdout, command.Stderr = &both, &both
	err = command.Run()
	return both.String(), err
}

// outcome checks that a request passes, or that the policy refuses it with the words.
func outcome(t *testing.T, words string, err error, refused string) {
	t.Helper()
	switch {
	case refused == "" && err != nil:
		t.Errorf("refused: %s", words)
	case refused != "" && err == nil:
		t.Errorf("accepted, want a refusal with %q", refused)
	case refused != "" && !harness.ContainsAll(words, []string{"ValidatingAdmissionPolicy", refused}):
		t.Errorf("refused with %s\nwant %q", words, refused)
	}
}

const (
	noPods  = "may not create pods"
	noScale = "may not scale"
)

func TestSecurityPolicy(t *testing.T) {
	namespace := policed(t)
	t.Run("expressions compile without warnings", func(t *testing.T) { testPolicyCompiles(t, namespace) })
	t.Run("create", func(t *testing.T) { testPolicyCreate(t, namespace) })
	t.Run("targets", func(t *testing.T) { testPolicyTargets(t, namespace) })
	t.Run("updates", func(t *testing.T) { testPolicyUpdates(t, namespace) })
	t.Run("pausing", func(t *testing.T) { testPolicyPausing(t, namespace) })
	t.Run("large objects stay within the cost limits", func(t *testing.T) { testPolicyCost(t, namespace) })
	t.Run("service accounts", func(t *testing.T) { testPolicyAccounts(t, namespace) })
	t.Run("kubectl cpa names the missing right", func(t *testing.T) { testPolicyPlugin(t, namespace) })
	t.Run("examples apply", func(t *testing.T) { testPolicyExamples(t, namespace) })
	t.Run("the operator works and finds the policy", func(t *testing.T) { testPolicyOperator(t, namespace) })
}

func testPolicyCompiles(t *testing.T, namespace string) {
	name := harness.OperatorName + "." + namespace
	harness.Eventually(t, "the policy's types to be checked", func() (bool, error) {
		status := harness.Kubectl(t, "", "get", "validatingadmissionpolicy", name, "-o", "jsonpath={.status}")
		return strings.Contains(status, "observedGeneration"), fmt.Errorf("the status is %s", status)
	})
	if warnings := harness.Kubectl(t, "", "get", "validatingadmissionpolicy", name, "-o", "jsonpath={.status.typeChecking.expressionWarnings}"); warnings != "" {
		t.Errorf("there are warnings: %s", warnings)
	}
}

func testPolicyCreate(t *testing.T, namespace string) {
	const noPod = "provisionPod: false"
	for _, row := range []struct{ user, spec, refused string }{
		{"attacker", "", noPods}, {"attacker", noPod, noScale}, {"runner", "", noScale}, {"scaler", "", noPods}, {"target-writer", "", noScale},
		{"scaler", noPod, ""}, {"runner", noPod, noScale}, {"scaler", "provisionPod: null", noPods}, {"scaler", "provisionPod: true", noPods},
		{"attacker", "{provisionRole: false, provisionServiceAccount: false, provisionPod: false}", noScale},
		{"attacker", "{roleRequiresArgoRollouts: true, roleRequiresMetricsServer: true}", noPods},
		{"author", "", ""}, {"author-of-web", "", ""}, {"namespace-edit", "", ""}, {"namespace-admin", "", ""},
	} {
		for _, how := range [][]string{{"create"}, {"apply"}, {"apply", "--server-side"}} {
			t.Run(row.user+" "+row.spec+" "+strings.Join(how, " "), func(t *testing.T) {
				words, err := as(t, row.user, withSpec(harness.AutoscalerObject, row.spec), append(how, "--dry-run=server", "-n", namespace, "-f", "-")...)
				outcome(t, words, err, row.refused)
			})
		}
	}
	t.Run("cluster administrator, as Argo CD applies", func(t *testing.T) {
		harness.Kubectl(t, harness.AutoscalerObject, "apply", "--server-side", "--field-manager=argocd-controller", "-n", namespace, "-f", "-")
		harness.Kubectl(t, harness.AutoscalerObject, "delete", "-n", namespace, "-f", "-")
	})
}

// withSpec adds fields to the spec of an object: "a: 1", or "{a: 1, b: 2}".
func withSpec(object, fields string) string {
	var lines strings.Builder
	for field := range strings.SplitSeq(strings.Trim(fields, "{}"), ", ") {
		if field != "" {
			lines.WriteString("  " + field + "\n")
		}
	}
	return strings.Replace(object, "spec:\n", "spec:\n"+lines.String(), 1)
}

func testPolicyTargets(t *testing.T, namespace string) {
	const anyKind = "patch on */scale of API group"
	for _, row := range []struct{ user, target, refused string }{
		{"author", "{apiVersion: apps/v1, kind: StatefulSet, name: web}", ""},
		{"author", "{apiVersion: apps/v1, kind: ReplicaSet, name: web}", ""},
		{"author", "{apiVersion: v1, kind: ReplicationController, name: web}", ""},
		{"author", "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}", ""},
		{"author", "{apiVersion: argoproj.io/v9, kind: rollout, name: web}", ""},
		{"author", "{apiVersion: apps/v1beta1, kind: DEPLOYMENT, name: web}", ""},
		{"author", "{apiVersion: any.example.com/v1, kind: Worker, name: web}", ""},
		{"author", "{apiVersion: one.example.com/v1, kind: Worker, name: web}", anyKind + ` "one.example.com"`},
		{"author", "{apiVersion: evil.io/v1, kind: Deployment, name: web}", anyKind + ` "evil.io"`},
		{"author", "{apiVersion: v1, kind: Deployment, name: web}", anyKind + ` ""`},
		{"author", "{apiVersion: apps, kind: Deployment, name: web}", anyKind + ` ""`},
		{"author", "{apiVersion: apps/v1, kind: ReplicationController, name: web}", anyKind + ` "apps"`},
		{"author", "{apiVersion: APPS/v1, kind: Deployment, name: web}", anyKind + ` "APPS"`},
		{"author", "{apiVersion: ' apps/v1', kind: Deployment, name: web}", anyKind + ` " apps"`},
		{"author", "{apiVersion: apps/v1, kind: ' Deployment', name: web}", anyKind + ` "apps"`},
		{"author", "{apiVersion: apps/v1, kind: deployments, name: web}", anyKind + ` "apps"`},
		{"author", "{apiVersion: apps/v1, kind: \"\u017ftatefulset\", name: web}", anyKind + ` "apps"`},
		{"author", "{apiVersion: apps/v1, kind: DaemonSet, name: web}", anyKind + ` "apps"`},
		{"author-of-web", "{apiVersion: apps/v1, kind: deployment, name: web}", ""},
		{"author-of-web", "{apiVersion: apps/v1, kind: Deployment, name: other}", `may not scale Deployment "other"`},
		{"author-of-web", "{apiVersion: apps/v1, kind: Deployment, name: WEB}", `may not scale Deployment "WEB"`},
		{"author-of-web", "{apiVersion: apps/v1, kind: Deployment, name: '*'}", `may not scale Deployment "*"`},
		{"author-of-web", "{apiVersion: apps/v1, kind: Deployment, name: \"web\\nother\"}", "you may not scale the target"},
		{"author-of-web", "{apiVersion: apps/v1, kind: StatefulSet, name: web}", "statefulsets/scale"},
		{"namespace-edit", "{apiVersion: v1, kind: ReplicationController, name: web}", ""},
		{"namespace-edit", "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}", "patch on rollouts/scale of API group \"argoproj.io\""},
		{"namespace-admin", "{apiVersion: any.example.com/v1, kind: Worker, name: web}", anyKind + ` "any.example.com"`},
		{"attacker", "{apiVersion: none.example.com/v1, kind: Nonsense, name: web}", noPods},
	} {
		t.Run(row.user+" "+row.target, func(t *testing.T) {
			words, err := as(t, row.user, strings.Replace(harness.AutoscalerObject, policyTarget, row.target, 1), "create", "--dry-run=server", "-n", namespace, "-f", "-")
			outcome(t, words, err, row.refused)
		})
	}
}

// testPolicyUpdates has each change made by users with and without the rights.
func testPolicyUpdates(t *testing.T, namespace string) {
	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", namespace, "-f", "-")
	defer harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	owner := harness.Kubectl(t, "", "get", "-n", namespace, "configmap", "kube-root-ca.crt", "-o", "jsonpath={.metadata.uid}") // one that is there, or the object goes
	for _, row := range []struct{ user, patch, refused string }{
		{"attacker", `{"metadata": {"labels": {"team": "shop"}}}`, ""},
		{"attacker", `{"metadata": {"annotations": {"example.com/note": "v1.custompodautoscaler.com/paused-replicas"}}}`, ""},
		{"attacker", `{"metadata": {"annotations": {"example.com/note": null}}}`, ""},
		{"attacker", `{"metadata": {"finalizers": ["example.com/wait"]}}`, ""},
		{"attacker", `{"metadata": {"finalizers": null}}`, ""},
		{"attacker", `{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": "` + owner + `"}]}}`, ""},
		{"attacker", `{"metadata": {"ownerReferences": null}}`, ""},
		{"attacker", `{"metadata": {"annotations": {"v1.custompodautoscaler.com/anything": "1"}}}`, noScale},
		{"attacker", `{"spec": {"template": {"spec": {"serviceAccountName": "deployer"}}}}`, noPods},
		{"attacker", `{"spec": {"template": {"spec": {"hostPID": true}}}}`, noPods},
		{"attacker", `{"spec": {"template": {"metadata": {"labels": {"app": "web"}}}}}`, noPods},
		{"attacker", `{"spec": {"config": [{"name": "minReplicas", "value": "0"}]}}`, noPods},
		{"attacker", `{"spec": {"scaleTargetRef": {"name": "other"}}}`, noPods},
		{"attacker", `{"spec": {"provisionPod": false}}`, noScale},
		{"attacker", `{"spec": {"provisionRole": false}}`, noPods},
		{"runner", `{"spec": {"scaleTargetRef": {"name": "other"}}}`, noScale},
		{"author-of-web", `{"spec": {"scaleTargetRef": {"name": "other"}}}`, `may not scale Deployment "other"`},
		{"author-of-web", `{"spec": {"config": [{"name": "minReplicas", "value": "0"}]}}`, ""},
		{"scaler", `{"spec": {"config": [{"name": "minReplicas", "value": "1"}]}}`, noPods},
		{"scaler", `{"spec": {"provisionPod": false}}`, ""},
		{"scaler", `{"spec": {"provisionPod": true}}`, noPods},
		{"scaler", `{"spec": {"provisionPod": null}}`, noPods},
		{"author", `{"spec": {"provisionPod": true}}`, ""},
	} {
		t.Run(row.user+" "+row.patch, func(t *testing.T) {
			words, err := as(t, row.user, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", row.patch)
			outcome(t, words, err, row.refused)
		})
	}
	t.Run("the status subresource changes nothing else", func(t *testing.T) {
		const patch = `{"metadata": {"annotations": {"` + policyPaused + `": "0"}}, "spec": {"scaleTargetRef": {"name": "other"}}, "status": {"currentReplicas": 1}}`
		words, err := as(t, "attacker", "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--subresource=status", "--type=merge", "-p", patch)
		outcome(t, words, err, "")
		object := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "json")
		if strings.Contains(object, policyPaused+`"`) || strings.Contains(object, `"other"`) || !strings.Contains(object, `"currentReplicas": 1`) {
			t.Errorf("the object is %s", object)
		}
	})
}

func testPolicyPausing(t *testing.T, namespace string) {
	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", namespace, "-f", "-")
	defer harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	for _, row := range []struct{ user, annotations, refused string }{
		{"attacker", policyPaused + "=0", noScale}, {"runner", policyPaused + "=0", noScale}, {"attacker", "v1.custompodautoscaler.com/paused-until=tomorrow", noScale},
		{"author-of-web", policyPaused + "=3", ""}, // without a change there is no request
		{"attacker", policyPaused + "=0", noScale}, {"attacker", policyPaused + "-", noScale}, {"runner", policyPaused + "-", noScale},
		{"attacker", "v1.custompodautoscaler.com/paused-until=2030-01-01T00:00:00Z", noScale}, {"attacker", "example.com/note=mine", ""},
		{"scaler", policyPaused + "=2", ""}, {"scaler", policyPaused + "-", ""},
	} {
		t.Run(row.user+" "+row.annotations, func(t *testing.T) {
			words, err := as(t, row.user, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", row.annotations)
			outcome(t, words, err, row.refused)
		})
	}
	t.Run("create", func(t *testing.T) {
		paused := strings.Replace(withSpec(harness.AutoscalerObject, "provisionPod: false"), "name: web-autoscaler\n", "name: paused\n  annotations: {"+policyPaused+`: "0"}`+"\n", 1)
		words, err := as(t, "attacker", paused, "create", "-n", namespace, "-f", "-")
		outcome(t, words, err, noScale)
	})
}

// testPolicyCost has objects that are as large as the API server takes them.
func testPolicyCost(t *testing.T, namespace string) {
	long := strings.Repeat("x", 200_000)
	var many, few strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&many, "    a%d: \"1\"\n", i)
	}
	for i := range 450 {
		fmt.Fprintf(&few, "    %s/%s%d: %s\n", strings.Repeat("p", 60)+".custompodautoscaler.com", strings.Repeat("n", 55), i, strings.Repeat("v", 400))
	}
	big := strings.Replace(harness.AutoscalerObject, "image: web-autoscaler:1\n", "image: web-autoscaler:1\n          args: ["+strings.TrimSuffix(strings.Repeat("a, ", 50_000), ", ")+", "+long+"]\n", 1)
	annotated := func(annotations string) string {
		return strings.Replace(big, "name: web-autoscaler\n", "name: web-autoscaler\n  annotations:\n"+annotations, 1)
	}
	t.Run("author", func(t *testing.T) {
		words, err := as(t, "author", annotated(few.String()), "create", "-n", namespace, "-f", "-")
		if err != nil {
			t.Fatalf("%.1000s", words)
		}
		for _, row := range []struct{ user, refused string }{{"attacker", noScale}, {"author", ""}} { // in this order: what is set already is no change
			words, err := as(t, row.user, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", policyPaused+"=3")
			outcome(t, words, err, row.refused)
		}
		words, err = as(t, "attacker", "", "annotate", "-n", namespace, "cpa", "web-autoscaler", "example.com/note=mine")
		outcome(t, words, err, "")
		harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	})
	t.Run("more annotations than are compared", func(t *testing.T) {
		words, err := as(t, "author", annotated(many.String()), "create", "-n", namespace, "-f", "-")
		outcome(t, words, err, "")
		words, err = as(t, "attacker", "", "annotate", "-n", namespace, "cpa", "web-autoscaler", "example.com/note=mine")
		outcome(t, words, err, noScale)
		words, err = as(t, "attacker", "", "label", "-n", namespace, "cpa", "web-autoscaler", "team=shop")
		outcome(t, words, err, "")
		harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	})
	t.Run("long names", func(t *testing.T) {
		for _, target := range []string{
			"{apiVersion: apps/v1, kind: Deployment, name: " + long + "}", "{apiVersion: apps/v1, kind: " + long + ", name: web}", "{apiVersion: " + long + "/v1, kind: Deployment, name: web}",
		} {
			words, err := as(t, "author-of-web", strings.Replace(harness.AutoscalerObject, policyTarget, target, 1), "create", "-n", namespace, "-f", "-")
			if outcome(t, words, err, noScale); len(words) > 3000 {
				t.Errorf("the message has %d characters", len(words))
			}
		}
	})
}

// testPolicyAccounts calls with an account's own token, and by impersonation of it, as Flux does.
func testPolicyAccounts(t *testing.T, namespace string) {
	for account, refused := range map[string]string{"attacker": noPods, "flux": ""} {
		harness.Kubectl(t, "", "create", "serviceaccount", "-n", namespace, account)
		user := "system:serviceaccount:" + namespace + ":" + account
		words, err := as(t, user, harness.AutoscalerObject, "apply", "--server-side", "--dry-run=server", "-n", namespace, "-f", "-")
		outcome(t, words, err, refused)
		words, err = kubectlWith(t, harness.ServiceAccount(t, namespace, account), harness.AutoscalerObject, "create", "--dry-run=server", "-n", namespace, "-f", "-")
		outcome(t, words, err, refused)
		if refused != "" && !strings.Contains(words, user) {
			t.Errorf("the refusal does not say who: %s", words)
		}
	}
}

func testPolicyPlugin(t *testing.T, namespace string) {
	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", namespace, "-f", "-")
	defer harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	user := harness.TerminalOf(t, harness.ServiceAccount(t, namespace, "attacker")) // made by the test of accounts
	_, words, code := user.Types("kubectl cpa pause web-autoscaler --replicas 0 -n " + namespace)
	if code != 1 || !harness.ContainsAll(words, []string{noScale + ` Deployment "web"`, "ask for the verb patch on deployments/scale of API group \"apps\""}) || strings.Contains(words, "you need the verb") {
		t.Errorf("it ends with %d: %s", code, words)
	}
}

func testPolicyExamples(t *testing.T, namespace string) {
	objects, err := filepath.Glob(harness.Root + "/examples/*/cpa.yaml")
	if err != nil || len(objects) < 2 {
		t.Fatalf("there are %v, %v", objects, err)
	}
	for _, object := range objects {
		harness.Kubectl(t, "", "apply", "-n", namespace, "--dry-run=server", "-f", object) // as the cluster's administrator
		refused := ""
		if strings.Contains(object, "custom-resource") { // whose kind is not in the chart's values
			refused = noScale
		}
		words, err := as(t, "author", harness.ReadFile(t, object), "apply", "-n", namespace, "--dry-run=server", "-f", "-")
		outcome(t, words, err, refused)
	}
}

// testPolicyOperator has the operator make, pause and resume an autoscaler, which then goes by garbage collection.
func testPolicyOperator(t *testing.T, namespace string) {
	operator := harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig(), "--admission-policy", harness.OperatorName+"."+namespace)
	if words, err := as(t, "author-of-web", harness.AutoscalerObject, "create", "-n", namespace, "-f", "-"); err != nil {
		t.Fatal(words)
	}
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	words, err := as(t, "author-of-web", "", "annotate", "-n", namespace, "cpa", "web-autoscaler", policyPaused+"=3")
	outcome(t, words, err, "")
	harness.HasCondition(t, namespace, "Paused True Paused", "")
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal Paused")
	words, err = as(t, "attacker", "", "delete", "--cascade=foreground", "--timeout=60s", "-n", namespace, "cpa", "web-autoscaler")
	outcome(t, words, err, "")
	if log := operator.Printed.String(); strings.Contains(log, "admission policy") {
		t.Errorf("the operator does not find the policy: %s", log)
	}
	operator.Stop()
	operator = harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig(), "--admission-policy", "none")
	operator.Logs("level=WARN", "no admission policy checks the authors of CustomPodAutoscalers", `validatingadmissionpolicies.admissionregistration.k8s.io \"none\"`)
	operator.Stop()
}

// TestSecurityPolicyLetsANamespaceGo with objects in it that have finalizers, and are owned.
func TestSecurityPolicyLetsANamespaceGo(t *testing.T) {
	namespace := policed(t)
	harness.Kubectl(t, "", "create", "configmap", "-n", namespace, "owner")
	uid := harness.Kubectl(t, "", "get", "configmap", "-n", namespace, "owner", "-o", "jsonpath={.metadata.uid}")
	owned := strings.Replace(harness.AutoscalerObject, "name: web-autoscaler\n", "name: owned\n  annotations: {"+policyPaused+`: "1"}`+
		"\n  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: "+uid+", blockOwnerDeletion: true}]\n", 1)
	waiting := strings.Replace(harness.AutoscalerObject, "name: web-autoscaler\n", "name: waiting\n  finalizers: [example.com/wait]\n", 1)
	harness.Kubectl(t, owned, "create", "-n", namespace, "-f", "-")
	harness.Kubectl(t, waiting, "create", "-n", namespace, "-f", "-")
	harness.Kubectl(t, "", "delete", "--cascade=orphan", "-n", namespace, "configmap", "owner")
	harness.Eventually(t, "the garbage collector to take away the owner reference", func() (bool, error) {
		references := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "owned", "-o", "jsonpath={.metadata.ownerReferences}")
		return references == "", fmt.Errorf("there are %s", references)
	})
	harness.Kubectl(t, "", "delete", "namespace", namespace, "--wait=false")
	words, err := as(t, "attacker", "", "patch", "-n", namespace, "cpa", "waiting", "--type=merge", "-p", `{"metadata": {"finalizers": null}}`)
	if err != nil && !strings.Contains(words, "not found") { // the roles may be gone already: what is refused then is not for the policy
		if strings.Contains(words, "ValidatingAdmissionPolicy") {
			t.Errorf("the policy refuses the removal of a finalizer: %s", words)
		}
		harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "waiting", "--type=merge", "-p", `{"metadata": {"finalizers": null}}`)
	}
	harness.Kubectl(t, "", "wait", "--for=delete", "--timeout=120s", "namespace/"+namespace)
	harness.Kubectl(t, "", "create", "namespace", namespace) // which the end of the test deletes
}
