package operator

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestInstalling is one test, part after part: there is one operator in a cluster, whose names are the cluster's.
func TestInstalling(t *testing.T) {
	harness.InstallCRD(t)
	installKinds(t)
	t.Cleanup(func() { uninstall(t) })
	t.Run("the API server takes whatever the chart makes", testTheChartIsTaken)
	t.Run("by kubectl apply", func(t *testing.T) { testTheManifest(t) })
	t.Run("by kubectl apply on the server", func(t *testing.T) { testTheManifest(t, "--server-side") })
	t.Run("by Helm", testHelm)
	for _, mode := range []string{"cluster", "namespaced"} {
		t.Run("over operator 1.4, "+mode, func(t *testing.T) { testTheUpgrade(t, mode, "--server-side=false") })
	}
	t.Run("over operator 1.4, installed by Helm 4", func(t *testing.T) { testTheUpgrade(t, "cluster", "--server-side=true") })
	t.Run("over operator 1.4, installed by kubectl", testTheUpgradeWithoutHelm)
}

// uninstall takes the operator away as the page says for the manifest: the definition and the objects stay.
func uninstall(t *testing.T) {
	t.Helper()
	harness.Kubectl(t, "", "delete", "namespace", harness.OperatorName, "--ignore-not-found")
	harness.Kubectl(t, "", "delete", "clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/name="+harness.OperatorName)
	harness.Kubectl(t, "", "delete", "validatingadmissionpolicies,validatingadmissionpolicybindings", "-l", "app.kubernetes.io/name="+harness.OperatorName)
}

// installKinds defines what the tests need of others: Argo's Rollout, and the ServiceMonitor, both as lax as can be.
func installKinds(t *testing.T) {
	t.Helper()
	harness.Kubectl(t, rollouts, "apply", "-f", "-")
	harness.Kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/rollouts.argoproj.io", "crd/servicemonitors.monitoring.coreos.com")
}

const rollouts = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.argoproj.io}
spec:
  group: argoproj.io
  names: {kind: Rollout, plural: rollouts}
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
      subresources:
        status: {}
        scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.HPAReplicas, labelSelectorPath: .status.selector}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: servicemonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  names: {kind: ServiceMonitor, plural: servicemonitors}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

func testTheChartIsTaken(t *testing.T) {
	namespace, shop := cluster.Start(t).Namespace(t), cluster.Start(t).Namespace(t)
	sets, err := filepath.Glob(harness.Root + "/charts/testdata/*.yaml")
	if err != nil || len(sets) < 5 {
		t.Fatalf("there are the values %v, %v", sets, err)
	}
	for _, values := range sets {
		rendered := harness.Helm(t, "template", harness.OperatorName, harness.Chart, "--namespace", namespace, "-f", "charts/testdata/"+filepath.Base(values))
		rendered = strings.ReplaceAll(rendered, "namespace: shop\n", "namespace: "+shop+"\n")
		taken := harness.Kubectl(t, rendered, "apply", "--dry-run=server", "-f", "-")
		if got, want := strings.Count(taken, "(server dry run)"), strings.Count("\n"+rendered, "\nkind: "); got != want {
			t.Errorf("%s: %d of %d objects are taken:\n%s", values, got, want, taken)
		}
	}
}

func testTheManifest(t *testing.T, how ...string) {
	uninstall(t)
	apply := func() { harness.Kubectl(t, "", append([]string{"apply", "-f", harness.ManifestFile}, how...)...) }
	apply()
	harness.Kubectl(t, "", "wait", "-n", harness.OperatorName, "--for=condition=Available", "--timeout=120s", "deployment/"+harness.OperatorName)
	rules := aggregated(t)
	apply()
	if again := harness.Kubectl(t, "", "get", "clusterrole", harness.OperatorName, "-o", "jsonpath={.rules}"); again != rules {
		t.Errorf("applied again, the role has %s, want %s", again, rules)
	}
	const root = "{apiVersion: v1, kind: Pod, metadata: {name: root}, spec: {containers: [{name: root, image: 'root:1'}]}}"
	if words, err := harness.KubectlFails(t, root, "create", "-n", harness.OperatorName, "-f", "-"); err == nil || !strings.Contains(words, `violates PodSecurity "restricted`) {
		t.Errorf("another pod, which is not restricted: %v %s", err, words)
	}
	isHarmless(t, harness.OperatorName)
	if len(how) == 0 { // what is applied is the same
		operates(t, harness.OperatorName, "")
		editsOnlyWithThePolicy(t)
		usersSeeTheObjects(t)
	}
}

// aggregated waits until the operator's role has the rules of its parts, and gives them.
func aggregated(t *testing.T) (rules string) {
	t.Helper()
	harness.Eventually(t, "the operator's role to be filled", func() (bool, error) {
		rules = harness.Kubectl(t, "", "get", "clusterrole", harness.OperatorName, "-o", "jsonpath={.rules}")
		return strings.Contains(rules, "rolebindings") && strings.Contains(rules, "argoproj.io"), fmt.Errorf("it has %s", rules)
	})
	return rules
}

// startInstalled runs the operator's program with the arguments and the account of its Deployment, which kwok only simulates. With
// no namespace it is the Deployment's arguments that say which it looks after; all tests share a cluster.
func startInstalled(t *testing.T, release, namespace string) (operator *harness.Program, metrics string) {
	t.Helper()
	deployment, err := harness.Client(t).AppsV1().Deployments(release).Get(t.Context(), harness.OperatorName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	metrics = fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	var flags []string
	for _, flag := range deployment.Spec.Template.Spec.Containers[0].Args {
		if !strings.HasPrefix(flag, "--probe-address=") {
			flags = append(flags, strings.Replace(flag, "--metrics-address=:8443", "--metrics-address="+metrics, 1))
		}
	}
	return harness.StartOperator(t, namespace, harness.ServiceAccount(t, release, harness.OperatorName), flags...), metrics
}

// operates runs the operator as it is installed, and has it do all that it is for, with no more than its rights.
func operates(t *testing.T, release, inNamespace string) {
	t.Helper()
	namespace := inNamespace
	if namespace == "" {
		namespace = cluster.Start(t).Namespace(t)
	}
	harness.CreateDeployment(t, namespace, 1)
	harness.Kubectl(t, targets, "apply", "-n", namespace, "-f", "-")
	withMetrics := harness.AutoscalerObject + "    - {name: kubernetesMetricSpecs, value: '[]'}\n"
	harness.Kubectl(t, withMetrics, "apply", "-n", namespace, "-f", "-")
	uid := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "jsonpath={.metadata.uid}")
	harness.Kubectl(t, strings.ReplaceAll(leftByOperator14, "UID", uid), "create", "-n", namespace, "-f", "-")
	for kind, version := range map[string]string{"StatefulSet": "apps/v1", "ReplicaSet": "apps/v1", "ReplicationController": "v1", "Rollout": "argoproj.io/v1alpha1"} {
		object := strings.Replace(withMetrics, "name: web-autoscaler", "name: for-"+strings.ToLower(kind), 1)
		object = strings.Replace(object, "{apiVersion: apps/v1, kind: Deployment, name: web}", "{apiVersion: "+version+", kind: "+kind+", name: web}", 1)
		if kind == "Rollout" && inNamespace != "" { // it is the same with it
			object = strings.Replace(object, "spec:\n", "spec:\n  roleRequiresArgoRollouts: true\n", 1)
		}
		harness.Kubectl(t, object, "apply", "-n", namespace, "-f", "-")
	}
	operator, metrics := startInstalled(t, release, namespace)
	harness.Kubectl(t, "", "wait", "-n", namespace, "--for=condition=Ready", "--timeout=120s", "cpa", "--all")
	if _, err := harness.Client(t).CoreV1().Pods(namespace).Get(t.Context(), "web-autoscaler", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the pod of operator 1.4 is still there: %v", err)
	}
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "--all", "v1.custompodautoscaler.com/paused-replicas=2")
	harness.Kubectl(t, "", "wait", "-n", namespace, "--for=condition=Paused", "--timeout=120s", "cpa", "--all")
	held := harness.Kubectl(t, "", "get", "-n", namespace, "deployment/web", "statefulset/web", "replicaset/web", "replicationcontroller/web", "rollout/web",
		"-o", "jsonpath={.items[*].spec.replicas}")
	if held != "2 2 2 2 2" {
		t.Errorf("the targets are held at %s", held)
	}
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "--all", "v1.custompodautoscaler.com/paused-replicas-")
	harness.Kubectl(t, "", "wait", "-n", namespace, "--for=condition=Ready", "--timeout=120s", "cpa", "--all")
	harness.Kubectl(t, "", "create", "-n", namespace, "serviceaccount", "prometheus")
	harness.Kubectl(t, "", "create", "clusterrolebinding", namespace, "--clusterrole="+harness.OperatorName+"-metrics-reader", "--serviceaccount="+namespace+":prometheus")
	defer harness.Kubectl(t, "", "delete", "clusterrolebinding", namespace)
	operator.Eventually("the metrics, for who has the role", func() (bool, error) {
		code, body, err := scrape(t, "https://"+metrics+"/metrics", harness.Token(t, namespace, "prometheus"))
		return code == 200 && strings.Contains(body, "controller_runtime_reconcile_total"), fmt.Errorf("%d %s %w", code, body, err)
	})
	if code, _, err := scrape(t, "https://"+metrics+"/metrics", harness.Token(t, namespace, "default")); code != 403 {
		t.Errorf("another account gets %d, %v, want 403", code, err)
	}
	if code := operator.Stop(); code != 0 || strings.Contains(operator.Printed.String(), "forbidden") {
		t.Errorf("it ended with %d; is a right missing?", code)
	}
	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "--all")
}

const targets = `
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 1, serviceName: web, selector: {matchLabels: {app: s}}, template: {metadata: {labels: {app: s}}, spec: {containers: [{name: web, image: 'web:1'}]}}}}
---
{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}, spec: {replicas: 1, selector: {matchLabels: {app: r}}, template: {metadata: {labels: {app: r}}, spec: {containers: [{name: web, image: 'web:1'}]}}}}
---
{apiVersion: v1, kind: ReplicationController, metadata: {name: web}, spec: {replicas: 1, selector: {app: c}, template: {metadata: {labels: {app: c}}, spec: {containers: [{name: web, image: 'web:1'}]}}}}
---
{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: web}, spec: {replicas: 1}}
`

// isHarmless asks the API server for rights that the operator is not to have.
func isHarmless(t *testing.T, release string) {
	t.Helper()
	account := "system:serviceaccount:" + release + ":" + harness.OperatorName
	for _, allowed := range []string{"list cpa --all-namespaces", "create leases -n default"} { // the question is the right one
		if words, err := harness.KubectlFails(t, "", append([]string{"auth", "can-i", "--as", account}, strings.Fields(allowed)...)...); err != nil {
			t.Errorf("it may not %s: %v %s", allowed, err, words)
		}
	}
	for _, forbidden := range []string{
		"get secrets", "list secrets", "watch secrets", "get configmaps", "create pods", "create pods --subresource=exec", "patch pods", "get pods --subresource=log", "get nodes", "get namespaces",
		"update serviceaccounts", "create serviceaccounts --subresource=token", "delete serviceaccounts", "impersonate serviceaccounts", "impersonate users", "update deployments", "create statefulsets",
		"delete statefulsets", "patch statefulsets", "delete rollouts.argoproj.io", "patch rollouts.argoproj.io", "escalate roles", "bind roles", "bind clusterroles",
		"create clusterroles", "patch clusterroles", "create clusterrolebindings", "delete roles", "delete rolebindings", "create cpa", "patch cpa", "delete cpa",
		"patch crd", "delete leases", "list leases", "deletecollection pods", "deletecollection deployments",
	} {
		if words, err := harness.KubectlFails(t, "", append([]string{"auth", "can-i", "-n", "default", "--as", account}, strings.Fields(forbidden)...)...); err == nil {
			t.Errorf("it may %s %s", forbidden, words)
		}
	}
}

// editsOnlyWithThePolicy: the role edit may write the objects once the policy's file is applied. It leaves the policy installed.
func editsOnlyWithThePolicy(t *testing.T) {
	t.Helper()
	namespace := cluster.Start(t).Namespace(t)
	for _, role := range []string{"admin", "edit"} {
		harness.Kubectl(t, "", "create", "rolebinding", "-n", namespace, role, "--clusterrole="+role, "--user="+role)
	}
	may := func(who string) error {
		words, err := harness.KubectlFails(t, "", "auth", "can-i", "-n", namespace, "--as", who, "create", "cpa")
		if err != nil {
			return fmt.Errorf("%w %s", err, words)
		}
		return nil
	}
	harness.Eventually(t, "the role admin to have the right to write objects", func() (bool, error) { return may("admin") == nil, may("admin") })
	if may("edit") == nil {
		t.Error("the role edit may write objects without the policy")
	}
	harness.Kubectl(t, "", "apply", "-f", harness.PolicyFile)
	harness.Eventually(t, "the role edit to have the right to write objects", func() (bool, error) { return may("edit") == nil, may("edit") })
}

// usersSeeTheObjects with the roles view and edit, which the cluster has of its own.
func usersSeeTheObjects(t *testing.T) {
	t.Helper()
	namespace := cluster.Start(t).Namespace(t)
	for _, role := range []string{"view", "edit"} {
		harness.Kubectl(t, "", "create", "rolebinding", "-n", namespace, role, "--clusterrole="+role, "--user="+role)
	}
	for who, may := range map[string]string{
		"view": "list cpa,get cpa,watch cpa,get cpa --subresource=status", "edit": "list cpa,create cpa,update cpa,patch cpa,delete cpa",
	} {
		for right := range strings.SplitSeq(may, ",") {
			harness.Eventually(t, who+" to have the right to "+right, func() (bool, error) {
				words, err := harness.KubectlFails(t, "", append([]string{"auth", "can-i", "-n", namespace, "--as", who}, strings.Fields(right)...)...)
				return err == nil, fmt.Errorf("%w %s", err, words)
			})
		}
	}
	for _, right := range []string{"create", "patch", "delete"} {
		if _, err := harness.KubectlFails(t, "", "auth", "can-i", "-n", namespace, "--as", "view", right, "cpa"); err == nil {
			t.Errorf("who may view may %s", right)
		}
	}
}

// testHelm installs, lets the release go, and installs again: the definition and the objects are still there.
func testHelm(t *testing.T) {
	uninstall(t)
	namespace := cluster.Start(t).Namespace(t)
	objects := cluster.Start(t).Namespace(t)
	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", objects, "-f", "-")
	before := identity(t, harness.Definition) + identity(t, "cpa/web-autoscaler", "-n", objects)
	notes := harness.Helm(t, "install", harness.OperatorName, harness.Chart, "-n", namespace, "--take-ownership", "--set", "networkPolicy.enabled=true,replicas=2,metrics.serviceMonitor.enabled=true")
	if !strings.Contains(notes, "looks after the CustomPodAutoscalers of all namespaces.") {
		t.Errorf("it says\n%s", notes)
	}
	harness.Kubectl(t, "", "wait", "-n", namespace, "--for=condition=Available", "--timeout=120s", "deployment/"+harness.OperatorName)
	aggregated(t)
	harness.Helm(t, "upgrade", harness.OperatorName, harness.Chart, "-n", namespace, "--reuse-values", "--set", "mode=namespaced,crds.install=false")
	if rules := harness.Kubectl(t, "", "get", "clusterrole", harness.OperatorName, "-o", "jsonpath={.rules}"); !strings.Contains(rules, "rolebindings") {
		t.Errorf("an upgrade empties the operator's role: it has %s", rules)
	}
	harness.Helm(t, "uninstall", harness.OperatorName, "-n", namespace)
	notes = harness.Helm(t, "install", harness.OperatorName, harness.Chart, "-n", namespace, "--set", "crds.install=false,watchNamespaces={"+objects+"}")
	if !strings.Contains(notes, "of the namespaces "+objects+".") || !strings.Contains(notes, "is not installed with it") {
		t.Errorf("it says\n%s", notes)
	}
	harness.Helm(t, "uninstall", harness.OperatorName, "-n", namespace)
	if after := identity(t, harness.Definition) + identity(t, "cpa/web-autoscaler", "-n", objects); after != before {
		t.Errorf("there are %s now, want %s", after, before)
	}
	harness.Eventually(t, "all else to be gone, and the role that stays to be empty", func() (bool, error) {
		left := harness.Kubectl(t, "", "get", "clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/name="+harness.OperatorName, "-o", "jsonpath={range .items[*]}{.metadata.name}{.rules[*]}{end}")
		return left == harness.OperatorName, fmt.Errorf("there are %s", left)
	})
}

// identity is that of an object, which another one of its name does not have.
func identity(t *testing.T, arguments ...string) string {
	t.Helper()
	return harness.Kubectl(t, "", append([]string{"get", "-o", "jsonpath={.metadata.uid} "}, arguments...)...)
}

// testTheUpgrade installs what has the shape of the chart of operator 1.4, and then this chart over it, with nothing said twice.
func testTheUpgrade(t *testing.T, mode string, how ...string) {
	uninstall(t)
	namespace := cluster.Start(t).Namespace(t)
	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", namespace, "-f", "-")
	// There is no helm uninstall here: of operator 1.4, where the upgrade has failed, it would take the definition, which is all tests'.
	harness.Helm(t, append([]string{"install", harness.OperatorName, chartOf14(t), "-n", namespace, "--take-ownership", "--set", "mode=" + mode}, how...)...)
	harness.Kubectl(t, "", "annotate", harness.Definition, "helm.sh/resource-policy-") // of the parts before
	harness.Kubectl(t, "", "wait", "-n", namespace, "--for=condition=Available", "--timeout=120s", "deployment/"+harness.OperatorName)
	same := func() string {
		return identity(t, harness.Definition) + identity(t, "-n", namespace, "deployment/"+harness.OperatorName) + identity(t, "-n", namespace, "cpa/web-autoscaler")
	}
	before := same()
	if _, err := harness.HelmTries(t, "upgrade", harness.OperatorName, harness.Chart, "-n", namespace, "--set", "crds.install=false,mode="+mode, "--dry-run=server"); err == nil || !strings.Contains(err.Error(), "would delete the CustomResourceDefinition") {
		t.Errorf("the definition would go: %v", err)
	}
	if _, err := harness.HelmTries(t, "upgrade", harness.OperatorName, harness.Chart, "-n", namespace, "--reuse-values", "--dry-run=server"); err == nil || !strings.Contains(err.Error(), "missing properties 'image'") {
		t.Errorf("with reused values: %v", err)
	}

	harness.Helm(t, "upgrade", harness.OperatorName, harness.Chart, "-n", namespace)
	harness.Kubectl(t, "", "rollout", "status", "-n", namespace, "deployment/"+harness.OperatorName, "--timeout=120s")
	if after := same(); after != before {
		t.Errorf("there are %s now, want %s", after, before)
	}
	deployment, err := harness.Client(t).AppsV1().Deployments(namespace).Get(t.Context(), harness.OperatorName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	if one := pod.Containers[0]; len(pod.Containers) != 1 || one.Image != "custompodautoscaler/operator:"+versionOfChart(t) || len(one.Env) > 0 || pod.ServiceAccountName != harness.OperatorName {
		t.Errorf("the pod is %+v", pod)
	}
	if kept := harness.Kubectl(t, "", "get", harness.Definition, "-o", `jsonpath={.metadata.annotations.helm\.sh/resource-policy}`); kept != "keep" {
		t.Errorf("the definition is marked %q, want keep", kept)
	}
	accounts := harness.Kubectl(t, "", "get", "-n", namespace, "serviceaccounts", "-o", "name")
	if want := "serviceaccount/" + harness.OperatorName + "\nserviceaccount/default\n"; accounts != want {
		t.Errorf("the accounts are %s, want %s", accounts, want)
	}
	bindings := harness.Kubectl(t, "", "get", "-n", namespace, "rolebindings", "-o", "jsonpath={.items[*].metadata.name}")
	wanted := harness.OperatorName + "-leader-election"
	if mode == "namespaced" {
		wanted += " " + harness.OperatorName + "-watched"
	}
	if bindings != wanted {
		t.Errorf("the bindings are %s, want %s", bindings, wanted)
	}
	aggregated(t)
	if mode == "cluster" {
		isHarmless(t, namespace)
		return
	}
	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "--all")
	operates(t, namespace, namespace)
	for _, elsewhere := range []string{"list cpa -n default", "create leases -n default", "list pods -n default"} {
		if _, err := harness.KubectlFails(t, "", append([]string{"auth", "can-i", "--as", "system:serviceaccount:" + namespace + ":" + harness.OperatorName}, strings.Fields(elsewhere)...)...); err == nil {
			t.Errorf("it may %s", elsewhere)
		}
	}
}

// testTheUpgradeWithoutHelm is from another namespace, where operator 1.4 may be.
func testTheUpgradeWithoutHelm(t *testing.T) {
	uninstall(t)
	namespace := cluster.Start(t).Namespace(t)
	harness.Kubectl(t, harness.Helm(t, "template", harness.OperatorName, chartOf14(t), "-n", namespace), "apply", "-n", namespace, "-f", "-")
	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", namespace, "-f", "-")
	before := identity(t, harness.Definition) + identity(t, "cpa/web-autoscaler", "-n", namespace)
	harness.Kubectl(t, "", "delete", "deployment", harness.OperatorName, "-n", namespace)
	harness.Kubectl(t, "", "apply", "-f", harness.ManifestFile)
	harness.Kubectl(t, "", "wait", "-n", harness.OperatorName, "--for=condition=Available", "--timeout=120s", "deployment/"+harness.OperatorName)
	if after := identity(t, harness.Definition) + identity(t, "cpa/web-autoscaler", "-n", namespace); after != before {
		t.Errorf("there are %s now, want %s", after, before)
	}
	if rules := aggregated(t); strings.Contains(rules, `"verbs":["*"]`) {
		t.Errorf("the role still has all rights: %s", rules)
	}
	isHarmless(t, harness.OperatorName)
}

// chartOf14 writes a chart whose objects are those of the chart of operator 1.4, in name, place and what cannot be changed.
func chartOf14(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), harness.OperatorName)
	if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	harness.WriteFile(t, filepath.Join(dir, "Chart.yaml"), "{apiVersion: v2, name: "+harness.OperatorName+", version: 1.4.0, appVersion: 1.4.0}\n")
	harness.WriteFile(t, filepath.Join(dir, "values.yaml"), "mode: cluster\n")
	harness.WriteFile(t, filepath.Join(dir, "templates", "definition.yaml"), harness.ReadFile(t, harness.CRDFile))
	harness.WriteFile(t, filepath.Join(dir, "templates", "operator.yaml"), operator14)
	return dir
}

const operator14 = `
{{- $account := ternary "custom-pod-autoscaler-operator-cluster" "custom-pod-autoscaler-operator" (eq .Values.mode "cluster") }}
{{- $cluster := ternary "Cluster" "" (eq .Values.mode "cluster") }}
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ $account }}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $cluster }}Role
metadata: {name: custom-pod-autoscaler-operator}
rules:
  - {apiGroups: ["", apps, custompodautoscaler.com, rbac.authorization.k8s.io], resources: ["*"], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $cluster }}RoleBinding
metadata: {name: custom-pod-autoscaler-operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ $cluster }}Role, name: custom-pod-autoscaler-operator}
subjects: [{kind: ServiceAccount, name: {{ $account }}, namespace: {{ .Release.Namespace }}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: custom-pod-autoscaler-operator}
spec:
  replicas: 1
  selector: {matchLabels: {name: custom-pod-autoscaler-operator}}
  template:
    metadata: {labels: {name: custom-pod-autoscaler-operator}}
    spec:
      serviceAccountName: {{ $account }}
      containers:
        - name: custom-pod-autoscaler-operator
          image: custompodautoscaler/operator:{{ .Chart.Version }}
          imagePullPolicy: IfNotPresent
          env:
            - {name: WATCH_NAMESPACE, value: ""}
            - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: OPERATOR_NAME, value: custom-pod-autoscaler-operator}
`

// versionOfChart is that of the operator, which the chart runs.
func versionOfChart(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root, harness.Chart, "Chart.yaml"))
	var is struct{ AppVersion string }
	if err == nil {
		err = yaml.Unmarshal(text, &is)
	}
	if err != nil || is.AppVersion == "" {
		t.Fatalf("the chart says no version: %v", err)
	}
	return is.AppVersion
}
