package autoscaler

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestEventsTellOfScalingAndOfFailures(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{
		Config: harness.BaseConfig(namespace) + "maxReplicas: 3\n", Files: harness.Replies(9),
		Env: []string{`customPodAutoscaler={"name": "web-autoscaler", "uid": "1234"}`},
	})
	const limited = "Normal SuccessfulRescale x1 New size: 3; reason: TooManyReplicas (9 recommended, maxReplicas is 3)"
	harness.HasEvent(t, namespace, "Deployment/web "+limited)
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler "+limited)

	p.Write("evaluate.reply", "rubbish")
	harness.HasEvent(t, namespace, "Deployment/web Warning FailedComputeMetricsReplicas x1 reading what evaluate replied")
	p.Passes("evaluate", 3) // which fail the same way, and are no news
	p.Evaluates(3)
	harness.HasEvent(t, namespace, "Deployment/web Normal ValidMetricFound x1 the autoscaler goes on, after FailedComputeMetricsReplicas")
	p.Passes("evaluate", 2)
	if all := harness.Events(t, namespace); len(all) != 6 {
		t.Errorf("there are %d events, want three about each object:\n%s", len(all), strings.Join(all, "\n"))
	}

	p.Write("evaluate.reply", "rubbish") // the same again is counted up
	harness.HasEvent(t, namespace, "Deployment/web Warning FailedComputeMetricsReplicas x2 ")
	p.Evaluates(3)
	harness.HasEvent(t, namespace, "Deployment/web Normal ValidMetricFound x2 ")
	shown := harness.Kubectl(t, "", "describe", "-n", namespace, "deployment", "web")
	for _, words := range []string{"SuccessfulRescale", "FailedComputeMetricsReplicas", "custom-pod-autoscaler"} {
		if !strings.Contains(shown, words) {
			t.Errorf("kubectl describe does not show %s:\n%s", words, shown)
		}
	}
}

func TestScalingGoesOnWithoutTheRightToWriteEvents(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	scaler := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "scaler"},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get"}},
			{APIGroups: []string{"apps"}, Resources: []string{"deployments/scale"}, Verbs: []string{"get", "patch"}},
		},
	}
	harness.Grant(t, namespace, "scaler", scaler)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(2), Kube: harness.ServiceAccount(t, namespace, "scaler")})
	harness.ScalesTo(t, namespace, 2)
	p.Logs("writing Kubernetes Events failed; scaling goes on", `the autoscaler's Role needs the verb \"create\" on resource \"events\" of API group \"\"`)
	p.Evaluates(3)
	harness.ScalesTo(t, namespace, 3)
	p.Passes("evaluate", 2)
	if lines := p.Lines("writing Kubernetes Events failed"); len(lines) != 1 {
		t.Errorf("it says so %d times, want once", len(lines))
	}
}
