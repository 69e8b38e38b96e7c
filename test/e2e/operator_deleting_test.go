package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

const madeKinds = "serviceaccounts,roles,rolebindings,deployments,replicasets,pods"

// made are the things that were made for objects.
func made(t *testing.T, namespace string) string {
	t.Helper()
	return kubectl(t, "", "get", "-n", namespace, madeKinds, "-l", "app.kubernetes.io/managed-by=custom-pod-autoscaler-operator", "-o", "name")
}

func TestAnObjectThatIsDeletedWhileTheOperatorIsAwayLeavesNothing(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	operator := startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	kubectl(t, autoscalerObject+"---"+objectCalled("other"), "create", "-n", namespace, "-f", "-")
	allReady(t, namespace, 2)
	operator.stop()
	kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	proxy := startProxy(t)
	startOperator(t, namespace, proxy.kubeconfig)
	kubectl(t, "", "delete", "-n", namespace, "role", "other") // which is made again, so the operator works
	eventually(t, "nothing to be left of the one, and all of the other", func() (bool, error) {
		left := made(t, namespace)
		return !strings.Contains(left, "web-autoscaler") && strings.Count(left, "\n") == 6, fmt.Errorf("there are %q", left)
	})
	if writes := proxy.about("web-autoscaler"); len(writes) > 0 {
		t.Errorf("it wrote %q", writes)
	}
}

func TestAnObjectIsCreatedAnewAtOnce(t *testing.T) {
	t.Parallel()
	namespace, _ := operated(t)
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	for range 3 {
		kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
		kubectl(t, autoscalerObject, "create", "-n", namespace, "-f", "-")
		hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	}
	uid := kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "jsonpath={.metadata.uid}")
	if told := events(t, namespace); len(told) > 0 { // the garbage collector clears away without help
		t.Errorf("people are told %q", told)
	}
	for _, kind := range []string{"serviceaccount", "role", "rolebinding", "deployment"} {
		eventually(t, kind+" of the new one", func() (bool, error) {
			owner := jsonpath(t, namespace, kind, "{.metadata.ownerReferences[*].uid}")
			return owner == uid, fmt.Errorf("it is owned by %q, and the object is %q", owner, uid)
		})
	}
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
}

// TestAnObjectThatSomebodyHoldsOnToIsLeftAsItIs: until it is gone its autoscaler goes on, and nothing is made again.
func TestAnObjectThatSomebodyHoldsOnToIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	proxy := startProxy(t)
	startOperator(t, namespace, proxy.kubeconfig)
	kubectl(t, strings.Replace(autoscalerObject, "name: web-autoscaler", "name: web-autoscaler\n  finalizers: [example.com/held]", 1), "create", "-n", namespace, "-f", "-")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler", "--wait=false")
	before := len(proxy.about("web-autoscaler"))
	kubectl(t, "", "delete", "-n", namespace, "role", "web-autoscaler")
	kubectl(t, objectCalled("other"), "create", "-n", namespace, "-f", "-") // the operator has seen all before it
	eventually(t, "the other one", func() (bool, error) { return strings.Contains(made(t, namespace), "deployment.apps/other"), nil })
	if writes := proxy.about("web-autoscaler")[before:]; len(writes) > 0 {
		t.Errorf("it wrote %q", writes)
	}
	kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"metadata": {"finalizers": null}}`)
	eventually(t, "nothing to be left of it", func() (bool, error) {
		left := made(t, namespace)
		return !strings.Contains(left, "web-autoscaler"), fmt.Errorf("there are %q", left)
	})
}

// TestAnObjectThatGoesAfterWhatWasMadeForIt is deleted in the foreground: it is there until all else is gone.
func TestAnObjectThatGoesAfterWhatWasMadeForIt(t *testing.T) {
	t.Parallel()
	namespace, proxy := cluster.Start(t).Namespace(t), startProxy(t)
	startOperator(t, namespace, proxy.kubeconfig)
	kubectl(t, autoscalerObject, "create", "-n", namespace, "-f", "-")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	before := len(proxy.about("web-autoscaler"))
	kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler", "--cascade=foreground")
	if left := made(t, namespace); left != "" {
		t.Errorf("there are %q", left)
	}
	if writes := proxy.about("web-autoscaler")[before:]; len(writes) > 0 {
		t.Errorf("it wrote %q", writes)
	}
}
