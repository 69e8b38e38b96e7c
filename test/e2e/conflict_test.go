package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// another is the object under another name, with the same target.
func another(name string) string {
	return strings.ReplaceAll(autoscalerObject, "name: web-autoscaler", "name: "+name)
}

// readyAs waits for an object's Ready, and tells whether its autoscaler is to run.
func readyAs(t *testing.T, namespace, name, want, says string, runs bool) {
	t.Helper()
	eventually(t, name+" to be Ready "+want, func() (bool, error) {
		got := kubectl(t, "", "get", "-n", namespace, "cpa", name, "-o", `jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.reason} {.message}{end}`)
		return strings.HasPrefix(got, want) && strings.Contains(got, says), fmt.Errorf("it is %s", got)
	})
	replicas := "0"
	if runs {
		replicas = "1"
	}
	if got := kubectl(t, "", "get", "-n", namespace, "deployment", name, "-o", "jsonpath={.spec.replicas}"); got != replicas {
		t.Errorf("the Deployment of %s has %s replicas, want %s", name, got, replicas)
	}
}

const works = "True MinimumReplicasAvailable"

func TestOfTwoObjectsWithOneTargetTheOlderOneRuns(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	kubectl(t, another("first"), "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "first", works, "", true)
	kubectl(t, strings.Replace(another("second"), "kind: Deployment, name: web", "kind: deployment, name: web", 1), "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "second", "False Conflict", `is scaled by CustomPodAutoscaler "first", which is older, as well`, false)
	readyAs(t, namespace, "first", works, "", true)

	kubectl(t, "", "annotate", "-n", namespace, "cpa", "second", "v1.custompodautoscaler.com/ignore-conflicts=true")
	readyAs(t, namespace, "second", works, "", true)
	kubectl(t, "", "annotate", "-n", namespace, "cpa", "second", "v1.custompodautoscaler.com/ignore-conflicts-")
	readyAs(t, namespace, "second", "False Conflict", "", false)

	kubectl(t, "", "annotate", "-n", namespace, "cpa", "second", "v1.custompodautoscaler.com/paused-replicas=5") // it must not hold it, either
	eventually(t, "the pause to be refused", func() (bool, error) {
		got := kubectl(t, "", "get", "-n", namespace, "cpa", "second", "-o", `jsonpath={.status.conditions[?(@.type=="Paused")].reason}`)
		return got == "Conflict", fmt.Errorf("it is %q", got)
	})
	if got := replicas(t, namespace); got != 1 {
		t.Errorf("the target has %d replicas, want 1", got)
	}
	kubectl(t, "", "annotate", "-n", namespace, "cpa", "second", "v1.custompodautoscaler.com/paused-replicas-")

	kubectl(t, "", "patch", "-n", namespace, "cpa", "first", "--type=merge", "-p", `{"spec": {"scaleTargetRef": {"name": "another"}}}`)
	readyAs(t, namespace, "second", works, "", true)
	kubectl(t, "", "patch", "-n", namespace, "cpa", "first", "--type=merge", "-p", `{"spec": {"scaleTargetRef": {"name": "web"}}}`)
	readyAs(t, namespace, "second", "False Conflict", "", false) // though it was there before
	kubectl(t, "", "delete", "-n", namespace, "cpa", "first")
	readyAs(t, namespace, "second", works, "", true)
}

// TestAHorizontalPodAutoscalerGoesFirst: one that is there, one that comes later, and one of KEDA.
func TestAHorizontalPodAutoscalerGoesFirst(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	installKEDA(t)
	startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	kubectl(t, another("mine"), "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "mine", works, "", true)
	kubectl(t, "", "autoscale", "deployment", "web", "-n", namespace, "--max=3", "--name=theirs")
	readyAs(t, namespace, "mine", "False Conflict", `is scaled by HorizontalPodAutoscaler "theirs", as well`, false)
	kubectl(t, "", "delete", "hpa", "theirs", "-n", namespace)
	readyAs(t, namespace, "mine", works, "", true)
	kubectl(t, `{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: kedas}, spec: {scaleTargetRef: {name: web}}}`, "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "mine", "False Conflict", `is scaled by ScaledObject "kedas", as well`, false)
	user, in := terminalOf(t, cluster.Start(t).Kubeconfig()), " -n "+namespace
	user.prints("kubectl cpa why mine"+in, "Ready is False (Conflict)", `is scaled by ScaledObject "kedas"`, "What to do: let one of the two scale the target")
}

// installKEDA installs the definition of its object alone.
func installKEDA(t *testing.T) {
	t.Helper()
	kubectl(t, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: scaledobjects.keda.sh}, spec: {group: keda.sh, scope: Namespaced,
		names: {plural: scaledobjects, singular: scaledobject, kind: ScaledObject, listKind: ScaledObjectList}, versions: [{name: v1alpha1, served: true, storage: true,
		schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`, "apply", "-f", "-")
	kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/scaledobjects.keda.sh")
}

func TestAnAutoscalerCannotBeATarget(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	kubectl(t, another("first"), "create", "-n", namespace, "-f", "-")
	readyAs(t, namespace, "first", works, "", true)
	kubectl(t, strings.Replace(another("second"), "name: web}", "name: first}", 1), "create", "-n", namespace, "-f", "-")
	eventually(t, "it to be refused", func() (bool, error) {
		got := kubectl(t, "", "get", "-n", namespace, "cpa", "second", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")]}`)
		return strings.Contains(got, "InvalidTarget") && strings.Contains(got, `is the autoscaler of CustomPodAutoscaler`) && strings.Contains(got, "cannot be a target"), fmt.Errorf("it is %s", got)
	})
}
