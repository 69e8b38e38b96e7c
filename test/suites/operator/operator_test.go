package operator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestTheOperatorMakesAnAutoscalerAndKeepsItSo(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	if got := harness.EnvironmentOf(harness.AutoscalerOf(t, namespace)); got["interval"] != "10000" || got["namespace"] != namespace || !strings.Contains(got["scaleTargetRef"], `"web"`) {
		t.Errorf("its environment is %v", got)
	}

	harness.Kubectl(t, strings.Replace(harness.AutoscalerObject, "10000", "7000", 1), "apply", "-n", namespace, "-f", "-")
	harness.Eventually(t, "the change of the object to arrive", func() (bool, error) {
		return harness.EnvironmentOf(harness.AutoscalerOf(t, namespace))["interval"] == "7000", nil
	})
	for _, what := range []string{"serviceaccount", "role", "rolebinding", "deployment"} {
		harness.Kubectl(t, "", "delete", "-n", namespace, what, "web-autoscaler")
		harness.Eventually(t, what+" to be made again", func() (bool, error) {
			return strings.Contains(harness.Kubectl(t, "", "get", "-n", namespace, what, "-o", "name"), "/web-autoscaler\n"), nil
		})
	}
	harness.Kubectl(t, "", "scale", "-n", namespace, "deployment", "web-autoscaler", "--replicas=3")
	harness.Eventually(t, "one autoscaler again", func() (bool, error) { return *harness.AutoscalerOf(t, namespace).Spec.Replicas == 1, nil })
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")

	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	harness.Eventually(t, "all that was made to be gone, and nothing else", func() (bool, error) {
		left := harness.Kubectl(t, "", "get", "-n", namespace, "serviceaccounts,roles,rolebindings,deployments", "-o", "name")
		return left == "serviceaccount/default\ndeployment.apps/web\n", fmt.Errorf("there are %q", left)
	})
}

// writesOf are the calls so far that change something.
func writesOf(p *harness.Proxy) (writes []string) {
	for _, call := range p.Noted() {
		if call.Method != http.MethodGet {
			writes = append(writes, call.Method+" "+call.Path)
		}
	}
	return writes
}

func TestTheOperatorWritesNothingWhenNothingHasChanged(t *testing.T) {
	t.Parallel()
	namespace, first := harness.Operated(t)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	first.Stop()

	proxy := harness.StartProxy(t)
	harness.StartOperator(t, namespace, proxy.Kubeconfig)
	harness.Kubectl(t, "", "label", "-n", namespace, "cpa", "web-autoscaler", "team=shop")
	harness.Kubectl(t, "", "annotate", "-n", namespace, "deployment", "web-autoscaler", "note=mine")
	harness.Kubectl(t, `{"status": {"currentReplicas": 3}}`, "patch", "-n", namespace, "cpa", "web-autoscaler", "--subresource=status", "--type=merge", "--patch-file=/dev/stdin")
	// What is changed last is written, and nothing before it was.
	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"config": [{"name": "interval", "value": "7000"}]}}`)
	harness.Eventually(t, "the change to arrive, and to be noted", func() (bool, error) {
		return harness.EnvironmentOf(harness.AutoscalerOf(t, namespace))["interval"] == "7000" && len(writesOf(proxy)) > 0, nil
	})
	if writes := writesOf(proxy); len(writes) == 0 || !strings.HasSuffix(writes[0], "/deployments/web-autoscaler") {
		t.Errorf("it wrote %q, want the Deployment first", writes)
	}
	for _, call := range proxy.Noted() { // of what is not ours it keeps nothing
		kind := call.Path[strings.LastIndex(call.Path, "/")+1:]
		if watches := call.Query.Has("watch"); watches && kind != "custompodautoscalers" && call.Query.Get("labelSelector") != "app.kubernetes.io/managed-by=custom-pod-autoscaler-operator" {
			t.Errorf("it watches %s?%s", call.Path, call.Query.Encode())
		}
	}
	for _, write := range writesOf(proxy) {
		if !strings.HasSuffix(write, "/deployments/web-autoscaler") && !strings.HasSuffix(write, "/custompodautoscalers/web-autoscaler/status") {
			t.Errorf("it wrote %s", write)
		}
	}
}

func TestTheOperatorTakesOverNothingOfOthers(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.Kubectl(t, "", "create", "-n", namespace, "serviceaccount", "web-autoscaler")
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", namespace, "-f", "-")
	harness.HasCondition(t, namespace, "Ready False NameConflict", `there is a ServiceAccount "web-autoscaler" already that was not made for this object`)
	account, err := harness.Client(t).CoreV1().ServiceAccounts(namespace).Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
	if err != nil || len(account.Labels)+len(account.OwnerReferences) > 0 {
		t.Errorf("it is %+v now, %v", account, err)
	}
	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"provisionServiceAccount": false}}`)
	harness.HasCondition(t, namespace, "Ready False NotAllowed", `the ServiceAccount "web-autoscaler" was not made for this object`)
	harness.Kubectl(t, "", "annotate", "-n", namespace, "serviceaccount", "web-autoscaler", harness.AllowedObjects+"=web-autoscaler")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
}

// TestAnObjectMayBeCalledLikeItsTarget: its bare pod could, before there was a Deployment for it.
func TestAnObjectMayBeCalledLikeItsTarget(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Kubectl(t, strings.Replace(harness.AutoscalerObject, "name: web-autoscaler", "name: web", 1), "apply", "-n", namespace, "-f", "-")
	harness.Kubectl(t, "", "wait", "-n", namespace, "--for=condition=Ready", "--timeout=60s", "cpa/web")
	if got := harness.AutoscalerOf(t, namespace).Labels["v1.custompodautoscaler.com/owned-by"]; got != "web" {
		t.Errorf("the autoscaler's Deployment is owned by %q", got)
	}
	web, err := harness.Client(t).AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil || len(web.OwnerReferences) > 0 || web.Spec.Template.Spec.Containers[0].Image != "web:1" {
		t.Errorf("the target is %+v now, %v", web, err)
	}
}

func TestWhatIsWrongWithAnObjectIsACondition(t *testing.T) {
	t.Parallel()
	namespace, operator := harness.Operated(t)
	for _, row := range []struct{ name, patch, reason, says string }{
		{"no such kind", `{"scaleTargetRef": {"kind": "Nonsense"}}`, "UnknownTarget", `the API serves no kind "Nonsense" in apps (v1), where it can scale: Deployment`},
		{"a kind that cannot be scaled", `{"scaleTargetRef": {"kind": "daemonset"}}`, "InvalidTarget", "DaemonSet of apps/v1 cannot be scaled: it has no number of replicas that could be set (spec.scaleTargetRef)"},
		{"a target outside of namespaces", `{"scaleTargetRef": {"apiVersion": "v1", "kind": "Node"}}`, "InvalidTarget", "is outside of namespaces"},
		{"no containers", `{"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment"}, "template": {"spec": {"containers": []}}}`, "InvalidTemplate", "at least one container is needed"},
		{"a container without an image", `{"template": {"spec": {"containers": [{"name": "autoscaler"}]}}}`, "Refused", "spec.template.spec.containers[0].image"},
		{"a field that nobody knows", `{"template": {"spec": {"nonsense": 1, "containers": [{"name": "autoscaler", "image": "a"}]}}}`, "Refused", "nonsense"},
	} {
		harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": `+row.patch+`}`)
		t.Log(row.name)
		harness.HasCondition(t, namespace, "Ready False "+row.reason, row.says)
	}
	harness.Kubectl(t, harness.AutoscalerObject, "replace", "-n", namespace, "-f", "-")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	if strings.Contains(operator.Printed.String(), "level=ERROR") {
		t.Error("what a user can do wrong is an error in the operator's log")
	}
}

func TestAPausedAutoscalerStopsAndItsTargetIsHeld(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	const annotation = "v1.custompodautoscaler.com/paused-replicas"
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", annotation+"=many")
	harness.HasCondition(t, namespace, "Paused False InvalidReplicas", `is "many": it has to be a number of replicas`)
	harness.Kubectl(t, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", annotation+"=3")
	harness.HasCondition(t, namespace, "Paused True Paused", "held at 3 replicas")
	if got := harness.Replicas(t, namespace); got != 3 || *harness.AutoscalerOf(t, namespace).Spec.Replicas != 0 {
		t.Errorf("the target has %d replicas, and the autoscaler %d, want 3 and none", got, *harness.AutoscalerOf(t, namespace).Spec.Replicas)
	}
	harness.HasCondition(t, namespace, "Ready False Paused", "")
	if shown := strings.Join(strings.Fields(harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "--no-headers")), " "); !strings.HasPrefix(shown, "web-autoscaler web 3 3 False Paused") {
		t.Errorf("while it is paused kubectl get shows %q", shown)
	}
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", annotation+"-")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	harness.HasCondition(t, namespace, "Paused False NotPaused", "")
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal Paused x1 the target is held at 3 replicas")
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal NotPaused x1 the object does not ask for it")

	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"provisionPod": false}}`)
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", annotation+"=2")
	harness.HasCondition(t, namespace, "Paused True Paused", "held at 2 replicas; stop its autoscaler yourself")
	harness.HasCondition(t, namespace, "Ready Unknown NotProvisioned", "")

	harness.Kubectl(t, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", annotation+"=0")
	harness.HasCondition(t, namespace, "Paused True Paused", "held at 0 replicas")
	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	const left = `Warning TargetLeftAtZero x1 CustomPodAutoscaler "web-autoscaler" was deleted while it was paused, so that Deployment "web" stays at 0 replicas`
	harness.HasEvent(t, namespace, "Deployment/web "+left)
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler "+left)
}

// TestTheOperatorGoesOnWhereTheOneBeforeItWas: operator 1.4 leaves a bare pod, and a Role with all rights, owned by the object.
func TestTheOperatorGoesOnWhereTheOneBeforeItWas(t *testing.T) {
	t.Parallel()
	harness.InstallCRD(t)
	namespace := harness.Deploy(t, 1)
	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", namespace, "-f", "-")
	uid := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "jsonpath={.metadata.uid}")
	harness.Kubectl(t, strings.ReplaceAll(leftByOperator14, "UID", uid), "create", "-n", namespace, "-f", "-")
	pods := harness.Client(t).CoreV1().Pods(namespace)
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Eventually(t, "the old pod to be gone", func() (bool, error) {
		made, err := harness.Client(t).AppsV1().Deployments(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "v1.custompodautoscaler.com/owned-by"})
		if err != nil {
			return false, err
		}
		_, gone := pods.Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
		if gone == nil && len(made.Items) > 0 { // it was there after the Deployment was
			t.Fatal("two autoscalers run")
		}
		return apierrors.IsNotFound(gone), gone
	})
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	if rules := harness.Kubectl(t, "", "get", "-n", namespace, "role", "web-autoscaler", "-o", "jsonpath={.rules[*].verbs}"); strings.Contains(rules, "*") {
		t.Errorf("the Role still has the verbs %s", rules)
	}
	if _, err := pods.Get(t.Context(), "bystander", metav1.GetOptions{}); err != nil {
		t.Errorf("a pod of somebody else's: %v", err)
	}
}

const leftByOperator14 = `
apiVersion: v1
kind: Pod
metadata:
  name: web-autoscaler
  labels: {app.kubernetes.io/managed-by: custom-pod-autoscaler-operator, v1.custompodautoscaler.com/owned-by: web-autoscaler}
  ownerReferences: [{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, name: web-autoscaler, uid: UID, controller: true, blockOwnerDeletion: true}]
spec: {containers: [{name: autoscaler, image: "web-autoscaler:1"}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: bystander
  labels: {v1.custompodautoscaler.com/owned-by: web-autoscaler, app.kubernetes.io/managed-by: custom-pod-autoscaler-operator}
spec: {containers: [{name: bystander, image: "bystander:1"}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: web-autoscaler
  labels: {app.kubernetes.io/managed-by: custom-pod-autoscaler-operator, v1.custompodautoscaler.com/owned-by: web-autoscaler}
  ownerReferences: [{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, name: web-autoscaler, uid: UID, controller: true, blockOwnerDeletion: true}]
rules: [{apiGroups: [""], resources: [pods, replicationcontrollers], verbs: ["*"]}]
`

func TestTheRoleIsEnoughAndNoMore(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	p := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(3)})
	harness.ScalesTo(t, namespace, 3)
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal SuccessfulRescale")
	if strings.Contains(p.Printed.String(), "forbidden") {
		t.Error("a right is missing")
	}
	for _, forbidden := range []string{
		"get secrets", "list secrets", "create pods", "delete pods", "update deployments.apps/web", "patch deployments.apps/web", "get deployments.apps/other",
		"patch deployments.apps/other --subresource=scale", "delete deployments.apps/web", "update roles.rbac.authorization.k8s.io", "patch cpa/web-autoscaler",
		"patch cpa/other --subresource=status", "get leases.coordination.k8s.io/web-autoscaler", "list pods.metrics.k8s.io",
	} {
		arguments := append([]string{"auth", "can-i", "-n", namespace, "--as=system:serviceaccount:" + namespace + ":web-autoscaler"}, strings.Fields(forbidden)...)
		if words, err := harness.KubectlFails(t, "", arguments...); err == nil {
			t.Errorf("it may %s %s", forbidden, words)
		}
	}
}
