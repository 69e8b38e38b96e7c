package harness

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// AutoscalerObject is an object for the Deployment web; kwok runs its pods.
const AutoscalerObject = `
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

// StartOperator looks after one namespace. Flags that it has already may be given again.
func StartOperator(t *testing.T, namespace, kube string, flags ...string) *Program {
	t.Helper()
	InstallCRD(t)
	p := &Program{T: t, Dir: t.TempDir(), Port: FreePort(t), Printed: &LockedBuffer{}, Exited: make(chan struct{})}
	p.Cmd = exec.Command(BuildOf(t, "custom-pod-autoscaler-operator", "-race"),
		append([]string{"--kubeconfig", kube, "--namespace", namespace, "--probe-address", fmt.Sprintf("127.0.0.1:%d", p.Port), "--metrics-address", "0"}, flags...)...)
	p.Cmd.Env = os.Environ()
	p.RunCommand()
	return p
}

// Operated is a namespace with a target, an operator and an object.
func Operated(t *testing.T) (namespace string, operator *Program) {
	t.Helper()
	namespace = Deploy(t, 1)
	operator = StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	Kubectl(t, AutoscalerObject, "apply", "-n", namespace, "-f", "-")
	return namespace, operator
}

// HasCondition waits for a condition of the object: "Ready True MinimumReplicasAvailable", and words of its message.
func HasCondition(t *testing.T, namespace, condition, says string) {
	t.Helper()
	Eventually(t, condition, func() (bool, error) {
		var object struct {
			Metadata struct{ Generation int64 }
			Status   struct {
				ObservedGeneration int64
				Conditions         []metav1.Condition
			}
		}
		text := Kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "json")
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return false, err
		}
		has := slices.ContainsFunc(object.Status.Conditions, func(c metav1.Condition) bool {
			return condition == strings.Join([]string{c.Type, string(c.Status), c.Reason}, " ") && strings.Contains(c.Message, says)
		})
		return has && object.Status.ObservedGeneration == object.Metadata.Generation, fmt.Errorf("there are %+v", object.Status.Conditions)
	})
}

// AutoscalerOf is the Deployment that the operator has made, once it is there.
func AutoscalerOf(t *testing.T, namespace string) (deployment *appsv1.Deployment) {
	t.Helper()
	Eventually(t, "the autoscaler's Deployment", func() (bool, error) {
		var err error
		deployment, err = Client(t).AppsV1().Deployments(namespace).Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
		return err == nil, err
	})
	return deployment
}

// EnvironmentOf is the environment of an autoscaler's first container.
func EnvironmentOf(deployment *appsv1.Deployment) map[string]string {
	values := map[string]string{}
	for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
		values[variable.Name] = variable.Value
	}
	return values
}

// StartAsPod starts the autoscaler of the object as its pod would: with the pod's environment and account. Further
// environment, and a kubeconfig, win.
func StartAsPod(t *testing.T, namespace string, o Options) *Program {
	t.Helper()
	HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	var environment []string
	for name, value := range EnvironmentOf(AutoscalerOf(t, namespace)) {
		environment = append(environment, name+"="+value)
	}
	o.Config, o.Kube = BaseConfig("default"), cmp.Or(o.Kube, ServiceAccount(t, namespace, "web-autoscaler"))
	o.Env = append(append(environment, "interval=300"), o.Env...)
	return Start(t, o)
}

// CRDFile is the definition of CustomPodAutoscaler.
const CRDFile = Root + "/api/v1/custompodautoscaler.com_custompodautoscalers.yaml"

// installed is once for all tests: the definition is the cluster's.
var installed sync.Once

// InstallCRD applies the definition as people do, and waits until the API serves it.
func InstallCRD(t testing.TB) {
	t.Helper()
	installed.Do(func() {
		Kubectl(t, "", "apply", "-f", CRDFile)
		Kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/custompodautoscalers.custompodautoscaler.com")
	})
}

// AllowedObjects is the annotation of what is not the operator's own, and names the objects that may use it.
const AllowedObjects = cpav1.AllowedObjects

// ObjectOf is the CustomPodAutoscaler as it is now.
func ObjectOf(t *testing.T, namespace string) (object cpav1.CustomPodAutoscaler) {
	t.Helper()
	if err := json.Unmarshal([]byte(Kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "json")), &object); err != nil {
		t.Fatal(err)
	}
	return object
}
