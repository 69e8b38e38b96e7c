package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// autoscalerObject is an object for the Deployment web; kwok runs its pods.
const autoscalerObject = `
apiVersion: custompodautoscaler.com/v1
kind: CustomPodAutoscaler
metadata:
  name: web-autoscaler
spec:
  template:
    spec:
      containers:
        - name: autoscaler
          image: web-autoscaler:1
          env: [{name: interval, value: "5000"}, {name: empty, value: ""}]
          resources: {requests: {cpu: 0.05, memory: "67108864"}}
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  config:
    - {name: interval, value: "10000"}
`

// startOperator looks after one namespace. Flags that it has already may be given again.
func startOperator(t *testing.T, namespace, kube string, flags ...string) *program {
	t.Helper()
	installCRD(t)
	p := &program{T: t, dir: t.TempDir(), port: freePort(t), log: &lockedBuffer{}, exited: make(chan struct{})}
	p.cmd = exec.Command(buildOf(t, "custom-pod-autoscaler-operator", "-race"),
		append([]string{"--kubeconfig", kube, "--namespace", namespace, "--probe-address", fmt.Sprintf("127.0.0.1:%d", p.port), "--metrics-address", "0"}, flags...)...)
	p.cmd.Env = os.Environ()
	p.run()
	return p
}

// operated is a namespace with a target, an operator and an object.
func operated(t *testing.T) (namespace string, operator *program) {
	t.Helper()
	namespace = deploy(t, 1)
	operator = startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	kubectl(t, autoscalerObject, "apply", "-n", namespace, "-f", "-")
	return namespace, operator
}

// hasCondition waits for a condition of the object: "Ready True MinimumReplicasAvailable", and words of its message.
func hasCondition(t *testing.T, namespace, condition, says string) {
	t.Helper()
	eventually(t, condition, func() (bool, error) {
		var object struct {
			Metadata struct{ Generation int64 }
			Status   struct {
				ObservedGeneration int64
				Conditions         []metav1.Condition
			}
		}
		text := kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "json")
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return false, err
		}
		has := slices.ContainsFunc(object.Status.Conditions, func(c metav1.Condition) bool {
			return condition == strings.Join([]string{c.Type, string(c.Status), c.Reason}, " ") && strings.Contains(c.Message, says)
		})
		return has && object.Status.ObservedGeneration == object.Metadata.Generation, fmt.Errorf("there are %+v", object.Status.Conditions)
	})
}

// autoscalerOf is the Deployment that the operator has made, once it is there.
func autoscalerOf(t *testing.T, namespace string) (deployment *appsv1.Deployment) {
	t.Helper()
	eventually(t, "the autoscaler's Deployment", func() (bool, error) {
		var err error
		deployment, err = client(t).AppsV1().Deployments(namespace).Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
		return err == nil, err
	})
	return deployment
}

func environmentOf(deployment *appsv1.Deployment) map[string]string {
	values := map[string]string{}
	for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
		values[variable.Name] = variable.Value
	}
	return values
}

func TestTheOperatorMakesAnAutoscalerAndKeepsItSo(t *testing.T) {
	t.Parallel()
	namespace, _ := operated(t)
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	if got := environmentOf(autoscalerOf(t, namespace)); got["interval"] != "10000" || got["namespace"] != namespace || !strings.Contains(got["scaleTargetRef"], `"web"`) {
		t.Errorf("its environment is %v", got)
	}

	kubectl(t, strings.Replace(autoscalerObject, "10000", "7000", 1), "apply", "-n", namespace, "-f", "-")
	eventually(t, "the change of the object to arrive", func() (bool, error) {
		return environmentOf(autoscalerOf(t, namespace))["interval"] == "7000", nil
	})
	for _, what := range []string{"serviceaccount", "role", "rolebinding", "deployment"} {
		kubectl(t, "", "delete", "-n", namespace, what, "web-autoscaler")
		eventually(t, what+" to be made again", func() (bool, error) {
			return strings.Contains(kubectl(t, "", "get", "-n", namespace, what, "-o", "name"), "/web-autoscaler\n"), nil
		})
	}
	kubectl(t, "", "scale", "-n", namespace, "deployment", "web-autoscaler", "--replicas=3")
	eventually(t, "one autoscaler again", func() (bool, error) { return *autoscalerOf(t, namespace).Spec.Replicas == 1, nil })
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")

	kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	eventually(t, "all that was made to be gone, and nothing else", func() (bool, error) {
		left := kubectl(t, "", "get", "-n", namespace, "serviceaccounts,roles,rolebindings,deployments", "-o", "name")
		return left == "serviceaccount/default\ndeployment.apps/web\n", fmt.Errorf("there are %q", left)
	})
}

// writesOf are the calls so far that change something.
func (p *proxy) writes() (writes []string) {
	for _, call := range p.noted() {
		if call.method != http.MethodGet {
			writes = append(writes, call.method+" "+call.path)
		}
	}
	return writes
}

func TestTheOperatorWritesNothingWhenNothingHasChanged(t *testing.T) {
	t.Parallel()
	namespace, first := operated(t)
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	first.stop()

	proxy := startProxy(t)
	startOperator(t, namespace, proxy.kubeconfig)
	kubectl(t, "", "label", "-n", namespace, "cpa", "web-autoscaler", "team=shop")
	kubectl(t, "", "annotate", "-n", namespace, "deployment", "web-autoscaler", "note=mine")
	kubectl(t, `{"status": {"currentReplicas": 3}}`, "patch", "-n", namespace, "cpa", "web-autoscaler", "--subresource=status", "--type=merge", "--patch-file=/dev/stdin")
	// What is changed last is written, and nothing before it was.
	kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"config": [{"name": "interval", "value": "7000"}]}}`)
	eventually(t, "the change to arrive, and to be noted", func() (bool, error) {
		return environmentOf(autoscalerOf(t, namespace))["interval"] == "7000" && len(proxy.writes()) > 0, nil
	})
	if writes := proxy.writes(); len(writes) == 0 || !strings.HasSuffix(writes[0], "/deployments/web-autoscaler") {
		t.Errorf("it wrote %q, want the Deployment first", writes)
	}
	for _, call := range proxy.noted() { // of what is not ours it keeps nothing
		kind := call.path[strings.LastIndex(call.path, "/")+1:]
		if watches := call.query.Has("watch"); watches && kind != "custompodautoscalers" && call.query.Get("labelSelector") != "app.kubernetes.io/managed-by=custom-pod-autoscaler-operator" {
			t.Errorf("it watches %s?%s", call.path, call.query.Encode())
		}
	}
	for _, write := range proxy.writes() {
		if !strings.HasSuffix(write, "/deployments/web-autoscaler") && !strings.HasSuffix(write, "/custompodautoscalers/web-autoscaler/status") {
			t.Errorf("it wrote %s", write)
		}
	}
}

func TestTheOperatorTakesOverNothingOfOthers(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	kubectl(t, "", "create", "-n", namespace, "serviceaccount", "web-autoscaler")
	startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	kubectl(t, autoscalerObject, "apply", "-n", namespace, "-f", "-")
	hasCondition(t, namespace, "Ready False NameConflict", `there is a ServiceAccount "web-autoscaler" already that was not made for this object`)
	account, err := client(t).CoreV1().ServiceAccounts(namespace).Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
	if err != nil || len(account.Labels)+len(account.OwnerReferences) > 0 {
		t.Errorf("it is %+v now, %v", account, err)
	}
	kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"provisionServiceAccount": false}}`)
	hasCondition(t, namespace, "Ready False NotAllowed", `the ServiceAccount "web-autoscaler" was not made for this object`)
	kubectl(t, "", "annotate", "-n", namespace, "serviceaccount", "web-autoscaler", allowedObjects+"=web-autoscaler")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
}

// TestAnObjectMayBeCalledLikeItsTarget: its bare pod could, before there was a Deployment for it.
func TestAnObjectMayBeCalledLikeItsTarget(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	kubectl(t, strings.Replace(autoscalerObject, "name: web-autoscaler", "name: web", 1), "apply", "-n", namespace, "-f", "-")
	kubectl(t, "", "wait", "-n", namespace, "--for=condition=Ready", "--timeout=60s", "cpa/web")
	if got := autoscalerOf(t, namespace).Labels["v1.custompodautoscaler.com/owned-by"]; got != "web" {
		t.Errorf("the autoscaler's Deployment is owned by %q", got)
	}
	web, err := client(t).AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil || len(web.OwnerReferences) > 0 || web.Spec.Template.Spec.Containers[0].Image != "web:1" {
		t.Errorf("the target is %+v now, %v", web, err)
	}
}

func TestWhatIsWrongWithAnObjectIsACondition(t *testing.T) {
	t.Parallel()
	namespace, operator := operated(t)
	for _, row := range []struct{ name, patch, reason, says string }{
		{"no such kind", `{"scaleTargetRef": {"kind": "Nonsense"}}`, "UnknownTarget", `the API serves no kind "Nonsense" in apps (v1), where it can scale: Deployment`},
		{"a kind that cannot be scaled", `{"scaleTargetRef": {"kind": "daemonset"}}`, "InvalidTarget", "DaemonSet of apps/v1 cannot be scaled: it has no number of replicas that could be set (spec.scaleTargetRef)"},
		{"a target outside of namespaces", `{"scaleTargetRef": {"apiVersion": "v1", "kind": "Node"}}`, "InvalidTarget", "is outside of namespaces"},
		{"no containers", `{"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment"}, "template": {"spec": {"containers": []}}}`, "InvalidTemplate", "at least one container is needed"},
		{"a container without an image", `{"template": {"spec": {"containers": [{"name": "autoscaler"}]}}}`, "Refused", "spec.template.spec.containers[0].image"},
		{"a field that nobody knows", `{"template": {"spec": {"nonsense": 1, "containers": [{"name": "autoscaler", "image": "a"}]}}}`, "Refused", "nonsense"},
	} {
		kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": `+row.patch+`}`)
		t.Log(row.name)
		hasCondition(t, namespace, "Ready False "+row.reason, row.says)
	}
	kubectl(t, autoscalerObject, "replace", "-n", namespace, "-f", "-")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	if strings.Contains(operator.log.String(), "level=ERROR") {
		t.Error("what a user can do wrong is an error in the operator's log")
	}
}

func TestAPausedAutoscalerStopsAndItsTargetIsHeld(t *testing.T) {
	t.Parallel()
	namespace, _ := operated(t)
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	const annotation = "v1.custompodautoscaler.com/paused-replicas"
	kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", annotation+"=many")
	hasCondition(t, namespace, "Paused False InvalidReplicas", `is "many": it has to be a number of replicas`)
	kubectl(t, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", annotation+"=3")
	hasCondition(t, namespace, "Paused True Paused", "held at 3 replicas")
	if got := replicas(t, namespace); got != 3 || *autoscalerOf(t, namespace).Spec.Replicas != 0 {
		t.Errorf("the target has %d replicas, and the autoscaler %d, want 3 and none", got, *autoscalerOf(t, namespace).Spec.Replicas)
	}
	hasCondition(t, namespace, "Ready False Paused", "")
	if shown := strings.Join(strings.Fields(kubectl(t, "", "get", "-n", namespace, "cpa", "--no-headers")), " "); !strings.HasPrefix(shown, "web-autoscaler web 3 3 False Paused") {
		t.Errorf("while it is paused kubectl get shows %q", shown)
	}
	kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", annotation+"-")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	hasCondition(t, namespace, "Paused False NotPaused", "")
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal Paused x1 the target is held at 3 replicas")
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal NotPaused x1 the object does not ask for it")

	kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"provisionPod": false}}`)
	kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", annotation+"=2")
	hasCondition(t, namespace, "Paused True Paused", "held at 2 replicas; stop its autoscaler yourself")
	hasCondition(t, namespace, "Ready Unknown NotProvisioned", "")

	kubectl(t, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", annotation+"=0")
	hasCondition(t, namespace, "Paused True Paused", "held at 0 replicas")
	kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	const left = `Warning TargetLeftAtZero x1 CustomPodAutoscaler "web-autoscaler" was deleted while it was paused, so that Deployment "web" stays at 0 replicas`
	hasEvent(t, namespace, "Deployment/web "+left)
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler "+left)
}

// TestTheOperatorGoesOnWhereTheOneBeforeItWas: operator 1.4 leaves a bare pod, and a Role with all rights, owned by the object.
func TestTheOperatorGoesOnWhereTheOneBeforeItWas(t *testing.T) {
	t.Parallel()
	installCRD(t)
	namespace := deploy(t, 1)
	kubectl(t, autoscalerObject, "apply", "-n", namespace, "-f", "-")
	uid := kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "jsonpath={.metadata.uid}")
	kubectl(t, strings.ReplaceAll(leftByOperator14, "UID", uid), "create", "-n", namespace, "-f", "-")
	pods := client(t).CoreV1().Pods(namespace)
	startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	eventually(t, "the old pod to be gone", func() (bool, error) {
		made, err := client(t).AppsV1().Deployments(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "v1.custompodautoscaler.com/owned-by"})
		if err != nil {
			return false, err
		}
		_, gone := pods.Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
		if gone == nil && len(made.Items) > 0 { // it was there after the Deployment was
			t.Fatal("two autoscalers run")
		}
		return apierrors.IsNotFound(gone), gone
	})
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	if rules := kubectl(t, "", "get", "-n", namespace, "role", "web-autoscaler", "-o", "jsonpath={.rules[*].verbs}"); strings.Contains(rules, "*") {
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

// startAsPod starts the autoscaler of the object as its pod would: with the pod's environment and account. Further
// environment, and a kubeconfig, win.
func startAsPod(t *testing.T, namespace string, o options) *program {
	t.Helper()
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	var environment []string
	for name, value := range environmentOf(autoscalerOf(t, namespace)) {
		environment = append(environment, name+"="+value)
	}
	o.config, o.kube = base("default"), cmp.Or(o.kube, serviceAccount(t, namespace, "web-autoscaler"))
	o.env = append(append(environment, "interval=300"), o.env...)
	return start(t, o)
}

func TestTheRoleIsEnoughAndNoMore(t *testing.T) {
	t.Parallel()
	namespace, _ := operated(t)
	p := startAsPod(t, namespace, options{files: replies(3)})
	scalesTo(t, namespace, 3)
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal SuccessfulRescale")
	if strings.Contains(p.log.String(), "forbidden") {
		t.Error("a right is missing")
	}
	for _, forbidden := range []string{
		"get secrets", "list secrets", "create pods", "delete pods", "update deployments.apps/web", "patch deployments.apps/web", "get deployments.apps/other",
		"patch deployments.apps/other --subresource=scale", "delete deployments.apps/web", "update roles.rbac.authorization.k8s.io", "patch cpa/web-autoscaler",
		"patch cpa/other --subresource=status", "get leases.coordination.k8s.io/web-autoscaler", "list pods.metrics.k8s.io",
	} {
		arguments := append([]string{"auth", "can-i", "-n", namespace, "--as=system:serviceaccount:" + namespace + ":web-autoscaler"}, strings.Fields(forbidden)...)
		if words, err := kubectlFails(t, "", arguments...); err == nil {
			t.Errorf("it may %s %s", forbidden, words)
		}
	}
}
