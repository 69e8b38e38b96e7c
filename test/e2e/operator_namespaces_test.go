package e2e

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

func TestTheOperatorLooksAfterTheNamespacesThatItIsGiven(t *testing.T) {
	t.Parallel()
	one, another, foreign := cluster.Start(t).Namespace(t), cluster.Start(t).Namespace(t), cluster.Start(t).Namespace(t)
	installCRD(t)
	for _, namespace := range []string{foreign, one, another} {
		kubectl(t, autoscalerObject, "create", "-n", namespace, "-f", "-")
	}
	operator := startOperator(t, one, cluster.Start(t).Kubeconfig(), "--namespace", another)
	for _, namespace := range []string{one, another} {
		hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	}
	isUntouched(t, foreign)
	operator.stop()
}

// TestTheOperatorLooksAfterAllNamespaces is not parallel: it would look after the objects of other tests, too.
func TestTheOperatorLooksAfterAllNamespaces(t *testing.T) {
	one, another := cluster.Start(t).Namespace(t), cluster.Start(t).Namespace(t)
	operator := startOperator(t, "", cluster.Start(t).Kubeconfig()) // as without the flag
	for _, namespace := range []string{one, another} {
		kubectl(t, autoscalerObject, "create", "-n", namespace, "-f", "-")
	}
	for _, namespace := range []string{one, another} {
		hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	}
	operator.stop()
}

// isUntouched checks that nobody has looked after the object.
func isUntouched(t *testing.T, namespace string) {
	t.Helper()
	if status := kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "jsonpath={.status}"); status != "" {
		t.Errorf("the object in a namespace of nobody's has the status %s", status)
	}
	_, err := client(t).AppsV1().Deployments(namespace).Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("there is a Deployment for it, or: %v", err)
	}
}
