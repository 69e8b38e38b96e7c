package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

const (
	operatorName = "custom-pod-autoscaler-operator"
	chart        = "charts/" + operatorName
	manifest     = "../../deploy/" + operatorName + ".yaml"
	policyFile   = "../../deploy/" + operatorName + "-policy.yaml"
	definition   = "crd/custompodautoscalers.custompodautoscaler.com"
)

// helm runs it as the administrator, in the repository's top folder, and gives what it prints.
func helm(t *testing.T, arguments ...string) string {
	t.Helper()
	stdout, err := helmTries(t, arguments...)
	if err != nil {
		t.Fatalf("helm %s: %v", strings.Join(arguments, " "), err)
	}
	return stdout
}

func helmTries(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	command := exec.Command("go", append([]string{"tool", "-modfile=tools/helm/go.mod", "helm"}, arguments...)...)
	command.Dir = "../.."
	home := t.TempDir()
	command.Env = append(os.Environ(), "KUBECONFIG="+cluster.Start(t).Kubeconfig(),
		"HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, &stderr)
	}
	return stdout.String(), nil
}

// TestInstalling is one test, part after part: there is one operator in a cluster, whose names are the cluster's.
func TestInstalling(t *testing.T) {
	installCRD(t)
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
	kubectl(t, "", "delete", "namespace", operatorName, "--ignore-not-found")
	kubectl(t, "", "delete", "clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/name="+operatorName)
	kubectl(t, "", "delete", "validatingadmissionpolicies,validatingadmissionpolicybindings", "-l", "app.kubernetes.io/name="+operatorName)
}

// installKinds defines what the tests need of others: Argo's Rollout, and the ServiceMonitor, both as lax as can be.
func installKinds(t *testing.T) {
	t.Helper()
	kubectl(t, rollouts, "apply", "-f", "-")
	kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/rollouts.argoproj.io", "crd/servicemonitors.monitoring.coreos.com")
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
	sets, err := filepath.Glob("../../charts/testdata/*.yaml")
	if err != nil || len(sets) < 5 {
		t.Fatalf("there are the values %v, %v", sets, err)
	}
	for _, values := range sets {
		rendered := helm(t, "template", operatorName, chart, "--namespace", namespace, "-f", "charts/testdata/"+filepath.Base(values))
		rendered = strings.ReplaceAll(rendered, "namespace: shop\n", "namespace: "+shop+"\n")
		taken := kubectl(t, rendered, "apply", "--dry-run=server", "-f", "-")
		if got, want := strings.Count(taken, "(server dry run)"), strings.Count("\n"+rendered, "\nkind: "); got != want {
			t.Errorf("%s: %d of %d objects are taken:\n%s", values, got, want, taken)
		}
	}
}

func testTheManifest(t *testing.T, how ...string) {
	uninstall(t)
	apply := func() { kubectl(t, "", append([]string{"apply", "-f", manifest}, how...)...) }
	apply()
	kubectl(t, "", "wait", "-n", operatorName, "--for=condition=Available", "--timeout=120s", "deployment/"+operatorName)
	rules := aggregated(t)
	apply()
	if again := kubectl(t, "", "get", "clusterrole", operatorName, "-o", "jsonpath={.rules}"); again != rules {
		t.Errorf("applied again, the role has %s, want %s", again, rules)
	}
	const root = "{apiVersion: v1, kind: Pod, metadata: {name: root}, spec: {containers: [{name: root, image: 'root:1'}]}}"
	if words, err := kubectlFails(t, root, "create", "-n", operatorName, "-f", "-"); err == nil || !strings.Contains(words, `violates PodSecurity "restricted`) {
		t.Errorf("another pod, which is not restricted: %v %s", err, words)
	}
	isHarmless(t, operatorName)
	if len(how) == 0 { // what is applied is the same
		operates(t, operatorName, "")
		editsOnlyWithThePolicy(t)
		usersSeeTheObjects(t)
	}
}

// aggregated waits until the operator's role has the rules of its parts, and gives them.
func aggregated(t *testing.T) (rules string) {
	t.Helper()
	eventually(t, "the operator's role to be filled", func() (bool, error) {
		rules = kubectl(t, "", "get", "clusterrole", operatorName, "-o", "jsonpath={.rules}")
		return strings.Contains(rules, "rolebindings") && strings.Contains(rules, "argoproj.io"), fmt.Errorf("it has %s", rules)
	})
	return rules
}

// startInstalled runs the operator's program with the arguments and the account of its Deployment, which kwok only simulates. With
// no namespace it is the Deployment's arguments that say which it looks after; all tests share a cluster.
func startInstalled(t *testing.T, release, namespace string) (operator *program, metrics string) {
	t.Helper()
	deployment, err := client(t).AppsV1().Deployments(release).Get(t.Context(), operatorName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	metrics = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	var flags []string
	for _, flag := range deployment.Spec.Template.Spec.Containers[0].Args {
		if !strings.HasPrefix(flag, "--probe-address=") {
			flags = append(flags, strings.Replace(flag, "--metrics-address=:8443", "--metrics-address="+metrics, 1))
		}
	}
	return startOperator(t, namespace, serviceAccount(t, release, operatorName), flags...), metrics
}

// operates runs the operator as it is installed, and has it do all that it is for, with no more than its rights.
func operates(t *testing.T, release, inNamespace string) {
	t.Helper()
	namespace := inNamespace
	if namespace == "" {
		namespace = cluster.Start(t).Namespace(t)
	}
	createDeployment(t, namespace, 1)
	kubectl(t, targets, "apply", "-n", namespace, "-f", "-")
	withMetrics := autoscalerObject + "    - {name: kubernetesMetricSpecs, value: '[]'}\n"
	kubectl(t, withMetrics, "apply", "-n", namespace, "-f", "-")
	uid := kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "jsonpath={.metadata.uid}")
	kubectl(t, strings.ReplaceAll(leftByOperator14, "UID", uid), "create", "-n", namespace, "-f", "-")
	for kind, version := range map[string]string{"StatefulSet": "apps/v1", "ReplicaSet": "apps/v1", "ReplicationController": "v1", "Rollout": "argoproj.io/v1alpha1"} {
		object := strings.Replace(withMetrics, "name: web-autoscaler", "name: for-"+strings.ToLower(kind), 1)
		object = strings.Replace(object, "{apiVersion: apps/v1, kind: Deployment, name: web}", "{apiVersion: "+version+", kind: "+kind+", name: web}", 1)
		if kind == "Rollout" && inNamespace != "" { // it is the same with it
			object = strings.Replace(object, "spec:\n", "spec:\n  roleRequiresArgoRollouts: true\n", 1)
		}
		kubectl(t, object, "apply", "-n", namespace, "-f", "-")
	}
	operator, metrics := startInstalled(t, release, namespace)
	kubectl(t, "", "wait", "-n", namespace, "--for=condition=Ready", "--timeout=120s", "cpa", "--all")
	if _, err := client(t).CoreV1().Pods(namespace).Get(t.Context(), "web-autoscaler", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the pod of operator 1.4 is still there: %v", err)
	}
	kubectl(t, "", "annotate", "-n", namespace, "cpa", "--all", "v1.custompodautoscaler.com/paused-replicas=2")
	kubectl(t, "", "wait", "-n", namespace, "--for=condition=Paused", "--timeout=120s", "cpa", "--all")
	held := kubectl(t, "", "get", "-n", namespace, "deployment/web", "statefulset/web", "replicaset/web", "replicationcontroller/web", "rollout/web",
		"-o", "jsonpath={.items[*].spec.replicas}")
	if held != "2 2 2 2 2" {
		t.Errorf("the targets are held at %s", held)
	}
	kubectl(t, "", "annotate", "-n", namespace, "cpa", "--all", "v1.custompodautoscaler.com/paused-replicas-")
	kubectl(t, "", "wait", "-n", namespace, "--for=condition=Ready", "--timeout=120s", "cpa", "--all")
	kubectl(t, "", "create", "-n", namespace, "serviceaccount", "prometheus")
	kubectl(t, "", "create", "clusterrolebinding", namespace, "--clusterrole="+operatorName+"-metrics-reader", "--serviceaccount="+namespace+":prometheus")
	defer kubectl(t, "", "delete", "clusterrolebinding", namespace)
	operator.eventually("the metrics, for who has the role", func() (bool, error) {
		code, body, err := scrape(t, "https://"+metrics+"/metrics", token(t, namespace, "prometheus"))
		return code == 200 && strings.Contains(body, "controller_runtime_reconcile_total"), fmt.Errorf("%d %s %w", code, body, err)
	})
	if code, _, err := scrape(t, "https://"+metrics+"/metrics", token(t, namespace, "default")); code != 403 {
		t.Errorf("another account gets %d, %v, want 403", code, err)
	}
	if code := operator.stop(); code != 0 || strings.Contains(operator.log.String(), "forbidden") {
		t.Errorf("it ended with %d; is a right missing?", code)
	}
	kubectl(t, "", "delete", "-n", namespace, "cpa", "--all")
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
	account := "system:serviceaccount:" + release + ":" + operatorName
	for _, allowed := range []string{"list cpa --all-namespaces", "create leases -n default"} { // the question is the right one
		if words, err := kubectlFails(t, "", append([]string{"auth", "can-i", "--as", account}, strings.Fields(allowed)...)...); err != nil {
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
		if words, err := kubectlFails(t, "", append([]string{"auth", "can-i", "-n", "default", "--as", account}, strings.Fields(forbidden)...)...); err == nil {
			t.Errorf("it may %s %s", forbidden, words)
		}
	}
}

// editsOnlyWithThePolicy: the role edit may write the objects once the policy's file is applied. It leaves the policy installed.
func editsOnlyWithThePolicy(t *testing.T) {
	t.Helper()
	namespace := cluster.Start(t).Namespace(t)
	for _, role := range []string{"admin", "edit"} {
		kubectl(t, "", "create", "rolebinding", "-n", namespace, role, "--clusterrole="+role, "--user="+role)
	}
	may := func(who string) error {
		words, err := kubectlFails(t, "", "auth", "can-i", "-n", namespace, "--as", who, "create", "cpa")
		if err != nil {
			return fmt.Errorf("%w %s", err, words)
		}
		return nil
	}
	eventually(t, "the role admin to have the right to write objects", func() (bool, error) { return may("admin") == nil, may("admin") })
	if may("edit") == nil {
		t.Error("the role edit may write objects without the policy")
	}
	kubectl(t, "", "apply", "-f", policyFile)
	eventually(t, "the role edit to have the right to write objects", func() (bool, error) { return may("edit") == nil, may("edit") })
}

// usersSeeTheObjects with the roles view and edit, which the cluster has of its own.
func usersSeeTheObjects(t *testing.T) {
	t.Helper()
	namespace := cluster.Start(t).Namespace(t)
	for _, role := range []string{"view", "edit"} {
		kubectl(t, "", "create", "rolebinding", "-n", namespace, role, "--clusterrole="+role, "--user="+role)
	}
	for who, may := range map[string]string{
		"view": "list cpa,get cpa,watch cpa,get cpa --subresource=status", "edit": "list cpa,create cpa,update cpa,patch cpa,delete cpa",
	} {
		for right := range strings.SplitSeq(may, ",") {
			eventually(t, who+" to have the right to "+right, func() (bool, error) {
				words, err := kubectlFails(t, "", append([]string{"auth", "can-i", "-n", namespace, "--as", who}, strings.Fields(right)...)...)
				return err == nil, fmt.Errorf("%w %s", err, words)
			})
		}
	}
	for _, right := range []string{"create", "patch", "delete"} {
		if _, err := kubectlFails(t, "", "auth", "can-i", "-n", namespace, "--as", "view", right, "cpa"); err == nil {
			t.Errorf("who may view may %s", right)
		}
	}
}

// testHelm installs, lets the release go, and installs again: the definition and the objects are still there.
func testHelm(t *testing.T) {
	uninstall(t)
	namespace := cluster.Start(t).Namespace(t)
	objects := cluster.Start(t).Namespace(t)
	kubectl(t, autoscalerObject, "apply", "-n", objects, "-f", "-")
	before := identity(t, definition) + identity(t, "cpa/web-autoscaler", "-n", objects)
	notes := helm(t, "install", operatorName, chart, "-n", namespace, "--take-ownership", "--set", "networkPolicy.enabled=true,replicas=2,metrics.serviceMonitor.enabled=true")
	if !strings.Contains(notes, "looks after the CustomPodAutoscalers of all namespaces.") {
		t.Errorf("it says\n%s", notes)
	}
	kubectl(t, "", "wait", "-n", namespace, "--for=condition=Available", "--timeout=120s", "deployment/"+operatorName)
	aggregated(t)
	helm(t, "upgrade", operatorName, chart, "-n", namespace, "--reuse-values", "--set", "mode=namespaced,crds.install=false")
	if rules := kubectl(t, "", "get", "clusterrole", operatorName, "-o", "jsonpath={.rules}"); !strings.Contains(rules, "rolebindings") {
		t.Errorf("an upgrade empties the operator's role: it has %s", rules)
	}
	helm(t, "uninstall", operatorName, "-n", namespace)
	notes = helm(t, "install", operatorName, chart, "-n", namespace, "--set", "crds.install=false,watchNamespaces={"+objects+"}")
	if !strings.Contains(notes, "of the namespaces "+objects+".") || !strings.Contains(notes, "is not installed with it") {
		t.Errorf("it says\n%s", notes)
	}
	helm(t, "uninstall", operatorName, "-n", namespace)
	if after := identity(t, definition) + identity(t, "cpa/web-autoscaler", "-n", objects); after != before {
		t.Errorf("there are %s now, want %s", after, before)
	}
	eventually(t, "all else to be gone, and the role that stays to be empty", func() (bool, error) {
		left := kubectl(t, "", "get", "clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/name="+operatorName, "-o", "jsonpath={range .items[*]}{.metadata.name}{.rules[*]}{end}")
		return left == operatorName, fmt.Errorf("there are %s", left)
	})
}

// identity is that of an object, which another one of its name does not have.
func identity(t *testing.T, arguments ...string) string {
	t.Helper()
	return kubectl(t, "", append([]string{"get", "-o", "jsonpath={.metadata.uid} "}, arguments...)...)
}

// testTheUpgrade installs what has the shape of the chart of operator 1.4, and then this chart over it, with nothing said twice.
func testTheUpgrade(t *testing.T, mode string, how ...string) {
	uninstall(t)
	namespace := cluster.Start(t).Namespace(t)
	kubectl(t, autoscalerObject, "apply", "-n", namespace, "-f", "-")
	// There is no helm uninstall here: of operator 1.4, where the upgrade has failed, it would take the definition, which is all tests'.
	helm(t, append([]string{"install", operatorName, chartOf14(t), "-n", namespace, "--take-ownership", "--set", "mode=" + mode}, how...)...)
	kubectl(t, "", "annotate", definition, "helm.sh/resource-policy-") // of the parts before
	kubectl(t, "", "wait", "-n", namespace, "--for=condition=Available", "--timeout=120s", "deployment/"+operatorName)
	same := func() string {
		return identity(t, definition) + identity(t, "-n", namespace, "deployment/"+operatorName) + identity(t, "-n", namespace, "cpa/web-autoscaler")
	}
	before := same()
	if _, err := helmTries(t, "upgrade", operatorName, chart, "-n", namespace, "--set", "crds.install=false,mode="+mode, "--dry-run=server"); err == nil || !strings.Contains(err.Error(), "would delete the CustomResourceDefinition") {
		t.Errorf("the definition would go: %v", err)
	}
	if _, err := helmTries(t, "upgrade", operatorName, chart, "-n", namespace, "--reuse-values", "--dry-run=server"); err == nil || !strings.Contains(err.Error(), "missing properties 'image'") {
		t.Errorf("with reused values: %v", err)
	}

	helm(t, "upgrade", operatorName, chart, "-n", namespace)
	kubectl(t, "", "rollout", "status", "-n", namespace, "deployment/"+operatorName, "--timeout=120s")
	if after := same(); after != before {
		t.Errorf("there are %s now, want %s", after, before)
	}
	deployment, err := client(t).AppsV1().Deployments(namespace).Get(t.Context(), operatorName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	if one := pod.Containers[0]; len(pod.Containers) != 1 || one.Image != "custompodautoscaler/operator:"+versionOfChart(t) || len(one.Env) > 0 || pod.ServiceAccountName != operatorName {
		t.Errorf("the pod is %+v", pod)
	}
	if kept := kubectl(t, "", "get", definition, "-o", `jsonpath={.metadata.annotations.helm\.sh/resource-policy}`); kept != "keep" {
		t.Errorf("the definition is marked %q, want keep", kept)
	}
	accounts := kubectl(t, "", "get", "-n", namespace, "serviceaccounts", "-o", "name")
	if want := "serviceaccount/" + operatorName + "\nserviceaccount/default\n"; accounts != want {
		t.Errorf("the accounts are %s, want %s", accounts, want)
	}
	bindings := kubectl(t, "", "get", "-n", namespace, "rolebindings", "-o", "jsonpath={.items[*].metadata.name}")
	wanted := operatorName + "-leader-election"
	if mode == "namespaced" {
		wanted += " " + operatorName + "-watched"
	}
	if bindings != wanted {
		t.Errorf("the bindings are %s, want %s", bindings, wanted)
	}
	aggregated(t)
	if mode == "cluster" {
		isHarmless(t, namespace)
		return
	}
	kubectl(t, "", "delete", "-n", namespace, "cpa", "--all")
	operates(t, namespace, namespace)
	for _, elsewhere := range []string{"list cpa -n default", "create leases -n default", "list pods -n default"} {
		if _, err := kubectlFails(t, "", append([]string{"auth", "can-i", "--as", "system:serviceaccount:" + namespace + ":" + operatorName}, strings.Fields(elsewhere)...)...); err == nil {
			t.Errorf("it may %s", elsewhere)
		}
	}
}

// testTheUpgradeWithoutHelm is from another namespace, where operator 1.4 may be.
func testTheUpgradeWithoutHelm(t *testing.T) {
	uninstall(t)
	namespace := cluster.Start(t).Namespace(t)
	kubectl(t, helm(t, "template", operatorName, chartOf14(t), "-n", namespace), "apply", "-n", namespace, "-f", "-")
	kubectl(t, autoscalerObject, "apply", "-n", namespace, "-f", "-")
	before := identity(t, definition) + identity(t, "cpa/web-autoscaler", "-n", namespace)
	kubectl(t, "", "delete", "deployment", operatorName, "-n", namespace)
	kubectl(t, "", "apply", "-f", manifest)
	kubectl(t, "", "wait", "-n", operatorName, "--for=condition=Available", "--timeout=120s", "deployment/"+operatorName)
	if after := identity(t, definition) + identity(t, "cpa/web-autoscaler", "-n", namespace); after != before {
		t.Errorf("there are %s now, want %s", after, before)
	}
	if rules := aggregated(t); strings.Contains(rules, `"verbs":["*"]`) {
		t.Errorf("the role still has all rights: %s", rules)
	}
	isHarmless(t, operatorName)
}

// chartOf14 writes a chart whose objects are those of the chart of operator 1.4, in name, place and what cannot be changed.
func chartOf14(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), operatorName)
	if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "Chart.yaml"), "{apiVersion: v2, name: "+operatorName+", version: 1.4.0, appVersion: 1.4.0}\n")
	writeFile(t, filepath.Join(dir, "values.yaml"), "mode: cluster\n")
	writeFile(t, filepath.Join(dir, "templates", "definition.yaml"), readFile(t, crdFile))
	writeFile(t, filepath.Join(dir, "templates", "operator.yaml"), operator14)
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
	text, err := os.ReadFile(filepath.Join("..", "..", chart, "Chart.yaml"))
	var is struct{ AppVersion string }
	if err == nil {
		err = yaml.Unmarshal(text, &is)
	}
	if err != nil || is.AppVersion == "" {
		t.Fatalf("the chart says no version: %v", err)
	}
	return is.AppVersion
}
