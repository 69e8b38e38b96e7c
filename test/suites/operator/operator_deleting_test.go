package operator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

const madeKinds = "serviceaccounts,roles,rolebindings,deployments,replicasets,pods"

// made are the things that were made for objects.
func made(t *testing.T, namespace string) string {
	t.Helper()
	return harness.Kubectl(t, "", "get", "-n", namespace, madeKinds, "-l", "app.kubernetes.io/managed-by=custom-pod-autoscaler-operator", "-o", "name")
}

func TestAnObjectThatIsDeletedWhileTheOperatorIsAwayLeavesNothing(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	operator := harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Kubectl(t, harness.AutoscalerObject+"---"+objectCalled("other"), "create", "-n", namespace, "-f", "-")
	allReady(t, namespace, 2)
	operator.Stop()
	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	proxy := harness.StartProxy(t)
	harness.StartOperator(t, namespace, proxy.Kubeconfig)
	harness.Kubectl(t, "", "delete", "-n", namespace, "role", "other") // which is made again, so the operator works
	harness.Eventually(t, "nothing to be left of the one, and all of the other", func() (bool, error) {
		left := made(t, namespace)
		return !strings.Contains(left, "web-autoscaler") && strings.Count(left, "\n") == 6, fmt.Errorf("there are %q", left)
	})
	if writes := writesAbout(proxy, "web-autoscaler"); len(writes) > 0 {
		t.Errorf("it wrote %q", writes)
	}
}

func TestAnObjectIsCreatedAnewAtOnce(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	for range 3 {
		harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
		harness.Kubectl(t, harness.AutoscalerObject, "create", "-n", namespace, "-f", "-")
		harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	}
	uid := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "jsonpath={.metadata.uid}")
	if told := harness.Events(t, namespace); len(told) > 0 { // the garbage collector clears away without help
		t.Errorf("people are told %q", told)
	}
	for _, kind := range []string{"serviceaccount", "role", "rolebinding", "deployment"} {
		harness.Eventually(t, kind+" of the new one", func() (bool, error) {
			owner := jsonpath(t, namespace, kind, "{.metadata.ownerReferences[*].uid}")
			return owner == uid, fmt.Errorf("it is owned by %q, and the object is %q", owner, uid)
		})
	}
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
}

// TestAnObjectThatSomebodyHoldsOnToIsLeftAsItIs: until it is gone its autoscaler goes on, and nothing is made again.
func TestAnObjectThatSomebodyHoldsOnToIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	proxy := harness.StartProxy(t)
	harness.StartOperator(t, namespace, proxy.Kubeconfig)
	harness.Kubectl(t, strings.Replace(harness.AutoscalerObject, "name: web-autoscaler", "name: web-autoscaler\n  finalizers: [example.com/held]", 1), "create", "-n", namespace, "-f", "-")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler", "--wait=false")
	before := len(writesAbout(proxy, "web-autoscaler"))
	harness.Kubectl(t, "", "delete", "-n", namespace, "role", "web-autoscaler")
	harness.Kubectl(t, objectCalled("other"), "create", "-n", namespace, "-f", "-") // the operator has seen all before it
	harness.Eventually(t, "the other one", func() (bool, error) { return strings.Contains(made(t, namespace), "deployment.apps/other"), nil })
	if writes := writesAbout(proxy, "web-autoscaler")[before:]; len(writes) > 0 {
		t.Errorf("it wrote %q", writes)
	}
	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"metadata": {"finalizers": null}}`)
	harness.Eventually(t, "nothing to be left of it", func() (bool, error) {
		left := made(t, namespace)
		return !strings.Contains(left, "web-autoscaler"), fmt.Errorf("there are %q", left)
	})
}

// TestAnObjectThatGoesAfterWhatWasMadeForIt is deleted in the foreground: it is there until all else is gone.
func TestAnObjectThatGoesAfterWhatWasMadeForIt(t *testing.T) {
	t.Parallel()
	namespace, proxy := cluster.Start(t).Namespace(t), harness.StartProxy(t)
	harness.StartOperator(t, namespace, proxy.Kubeconfig)
	harness.Kubectl(t, harness.AutoscalerObject, "create", "-n", namespace, "-f", "-")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	before := len(writesAbout(proxy, "web-autoscaler"))
	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler", "--cascade=foreground")
	if left := made(t, namespace); left != "" {
		t.Errorf("there are %q", left)
	}
	if writes := writesAbout(proxy, "web-autoscaler")[before:]; len(writes) > 0 {
		t.Errorf("it wrote %q", writes)
	}
}
