package operator

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestTheOperatorLooksAfterTheNamespacesThatItIsGiven(t *testing.T) {
	t.Parallel()
	one, another, foreign := cluster.Start(t).Namespace(t), cluster.Start(t).Namespace(t), cluster.Start(t).Namespace(t)
	harness.InstallCRD(t)
	for _, namespace := range []string{foreign, one, another} {
		harness.Kubectl(t, harness.AutoscalerObject, "create", "-n", namespace, "-f", "-")
	}
	operator := harness.StartOperator(t, one, cluster.Start(t).Kubeconfig(), "--namespace", another)
	for _, namespace := range []string{one, another} {
		harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	}
	isUntouched(t, foreign)
	operator.Stop()
}

// TestTheOperatorLooksAfterAllNamespaces is not parallel: it would look after the objects of other tests, too.
func TestTheOperatorLooksAfterAllNamespaces(t *testing.T) {
	one, another := cluster.Start(t).Namespace(t), cluster.Start(t).Namespace(t)
	operator := harness.StartOperator(t, "", cluster.Start(t).Kubeconfig()) // as without the flag
	for _, namespace := range []string{one, another} {
		harness.Kubectl(t, harness.AutoscalerObject, "create", "-n", namespace, "-f", "-")
	}
	for _, namespace := range []string{one, another} {
		harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	}
	operator.Stop()
}

// isUntouched checks that nobody has looked after the object.
func isUntouched(t *testing.T, namespace string) {
	t.Helper()
	if status := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "jsonpath={.status}"); status != "" {
		t.Errorf("the object in a namespace of nobody's has the status %s", status)
	}
	_, err := harness.Client(t).AppsV1().Deployments(namespace).Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("there is a Deployment for it, or: %v", err)
	}
}
