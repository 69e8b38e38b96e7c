package operator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// another is the object under another name, with the same target.
func another(name string) string {
	return strings.ReplaceAll(harness.AutoscalerObject, "name: web-autoscaler", "name: "+name)
}

// readyAs waits for an object's Ready, and tells whether its autoscaler is to run.
func readyAs(t *testing.T, namespace, name, want, says string, runs bool) {
	t.Helper()
	harness.Eventually(t, name+" to be Ready "+want, func() (bool, error) {
		got := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", name, "-o", `jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.reason} {.message}{end}`)
		return strings.HasPrefix(got, want) && strings.Contains(got, says), fmt.Errorf("it is %s", got)
	})
	replicas := "0"
	if runs {
		replicas = "1"
	}
	if got := harness.Kubectl(t, "", "get", "-n", namespace, "deployment", name, "-o", "jsonpath={.spec.replicas}"); got != replicas {
		t.Errorf("the Deployment of %s has %s replicas, want %s", name, got, replicas)
	}
}

const works = "True MinimumReplicasAvailable"

func TestOfTwoObjectsWithOneTargetTheOlderOneRuns(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Kubectl(t, another("first"), "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "first", works, "", true)
	harness.Kubectl(t, strings.Replace(another("second"), "kind: Deployment, name: web", "kind: deployment, name: web", 1), "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "second", "False Conflict", `is scaled by CustomPodAutoscaler "first", which is older, as well`, false)
	readyAs(t, namespace, "first", works, "", true)

	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "second", "v1.custompodautoscaler.com/ignore-conflicts=true")
	readyAs(t, namespace, "second", works, "", true)
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "second", "v1.custompodautoscaler.com/ignore-conflicts-")
	readyAs(t, namespace, "second", "False Conflict", "", false)

	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "second", "v1.custompodautoscaler.com/paused-replicas=5") // it must not hold it, either
	harness.Eventually(t, "the pause to be refused", func() (bool, error) {
		got := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "second", "-o", `jsonpath={.status.conditions[?(@.type=="Paused")].reason}`)
		return got == "Conflict", fmt.Errorf("it is %q", got)
	})
	if got := harness.Replicas(t, namespace); got != 1 {
		t.Errorf("the target has %d replicas, want 1", got)
	}
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "second", "v1.custompodautoscaler.com/paused-replicas-")

	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "first", "--type=merge", "-p", `{"spec": {"scaleTargetRef": {"name": "another"}}}`)
	readyAs(t, namespace, "second", works, "", true)
	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "first", "--type=merge", "-p", `{"spec": {"scaleTargetRef": {"name": "web"}}}`)
	readyAs(t, namespace, "second", "False Conflict", "", false) // though it was there before
	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "first")
	readyAs(t, namespace, "second", works, "", true)
}

// TestAHorizontalPodAutoscalerGoesFirst: one that is there, one that comes later, and one of KEDA.
func TestAHorizontalPodAutoscalerGoesFirst(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	installKEDA(t)
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Kubectl(t, another("mine"), "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "mine", works, "", true)
	harness.Kubectl(t, "", "autoscale", "deployment", "web", "-n", namespace, "--max=3", "--name=theirs")
	readyAs(t, namespace, "mine", "False Conflict", `is scaled by HorizontalPodAutoscaler "theirs", as well`, false)
	harness.Kubectl(t, "", "delete", "hpa", "theirs", "-n", namespace)
	readyAs(t, namespace, "mine", works, "", true)
	harness.Kubectl(t, `{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: kedas}, spec: {scaleTargetRef: {name: web}}}`, "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "mine", "False Conflict", `is scaled by ScaledObject "kedas", as well`, false)
	user, in := harness.TerminalOf(t, cluster.Start(t).Kubeconfig()), " -n "+namespace
	user.Prints("kubectl cpa why mine"+in, "Ready is False (Conflict)", `is scaled by ScaledObject "kedas"`, "What to do: let one of the two scale the target")
}

// installKEDA installs the definition of its object alone.
func installKEDA(t *testing.T) {
	t.Helper()
	harness.Kubectl(t, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: scaledobjects.keda.sh}, spec: {group: keda.sh, scope: Namespaced,
		names: {plural: scaledobjects, singular: scaledobject, kind: ScaledObject, listKind: ScaledObjectList}, versions: [{name: v1alpha1, served: true, storage: true,
		schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`, "apply", "-f", "-")
	harness.Kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/scaledobjects.keda.sh")
}

func TestAnAutoscalerCannotBeATarget(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Kubectl(t, another("first"), "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "first", works, "", true)
	harness.Kubectl(t, strings.Replace(another("second"), "name: web}", "name: first}", 1), "create", "-n", namespace, "-f", "-")
	harness.Eventually(t, "it to be refused", func() (bool, error) {
		got := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "second", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")]}`)
		return strings.Contains(got, "InvalidTarget") && strings.Contains(got, `is the autoscaler of CustomPodAutoscaler`) && strings.Contains(got, "cannot be a target"), fmt.Errorf("it is %s", got)
	})
}
