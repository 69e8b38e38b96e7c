package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// events are those of ours in a namespace, as: Deployment/web Normal SuccessfulRescale x1 New size: 2; ...
func events(t *testing.T, namespace string) []string {
	t.Helper()
	list, err := client(t).CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int {
		return cmp.Or(a.LastTimestamp.Compare(b.LastTimestamp.Time), cmp.Compare(a.ResourceVersion, b.ResourceVersion))
	})
	var lines []string
	for _, e := range list.Items {
		if strings.HasPrefix(e.Source.Component, "custom-pod-autoscaler") {
			lines = append(lines, fmt.Sprintf("%s/%s %s %s x%d %s", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Type, e.Reason, e.Count, e.Message))
		}
	}
	return lines
}

// hasEvent waits for an event that begins like this.
func hasEvent(t *testing.T, namespace, line string) {
	t.Helper()
	eventually(t, "the event "+line, func() (bool, error) {
		all := events(t, namespace)
		return slices.ContainsFunc(all, func(e string) bool { return strings.HasPrefix(e, line) }), fmt.Errorf("there are %q", all)
	})
}

func TestEventsTellOfScalingAndOfFailures(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	p := start(t, options{
		config: base(namespace) + "maxReplicas: 3\n", files: replies(9),
		env: []string{`customPodAutoscaler={"name": "web-autoscaler", "uid": "1234"}`},
	})
	const limited = "Normal SuccessfulRescale x1 New size: 3; reason: TooManyReplicas (9 recommended, maxReplicas is 3)"
	hasEvent(t, namespace, "Deployment/web "+limited)
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler "+limited)

	p.write("evaluate.reply", "rubbish")
	hasEvent(t, namespace, "Deployment/web Warning FailedComputeMetricsReplicas x1 reading what evaluate replied")
	p.passes("evaluate", 3) // which fail the same way, and are no news
	p.evaluates(3)
	hasEvent(t, namespace, "Deployment/web Normal ValidMetricFound x1 the autoscaler goes on, after FailedComputeMetricsReplicas")
	p.passes("evaluate", 2)
	if all := events(t, namespace); len(all) != 6 {
		t.Errorf("there are %d events, want three about each object:\n%s", len(all), strings.Join(all, "\n"))
	}

	p.write("evaluate.reply", "rubbish") // the same again is counted up
	hasEvent(t, namespace, "Deployment/web Warning FailedComputeMetricsReplicas x2 ")
	p.evaluates(3)
	hasEvent(t, namespace, "Deployment/web Normal ValidMetricFound x2 ")
	shown := kubectl(t, "", "describe", "-n", namespace, "deployment", "web")
	for _, words := range []string{"SuccessfulRescale", "FailedComputeMetricsReplicas", "custom-pod-autoscaler"} {
		if !strings.Contains(shown, words) {
			t.Errorf("kubectl describe does not show %s:\n%s", words, shown)
		}
	}
}

func TestScalingGoesOnWithoutTheRightToWriteEvents(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	scaler := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "scaler"},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get"}},
			{APIGroups: []string{"apps"}, Resources: []string{"deployments/scale"}, Verbs: []string{"get", "patch"}},
		},
	}
	grant(t, namespace, "scaler", scaler)
	p := start(t, options{config: base(namespace), files: replies(2), kube: serviceAccount(t, namespace, "scaler")})
	scalesTo(t, namespace, 2)
	p.logs("writing Kubernetes Events failed; scaling goes on", `the autoscaler's Role needs the verb \"create\" on resource \"events\" of API group \"\"`)
	p.evaluates(3)
	scalesTo(t, namespace, 3)
	p.passes("evaluate", 2)
	if lines := p.lines("writing Kubernetes Events failed"); len(lines) != 1 {
		t.Errorf("it says so %d times, want once", len(lines))
	}
}

// grant makes a service account with a role.
func grant(t *testing.T, namespace, account string, role *rbacv1.Role) {
	t.Helper()
	if _, err := client(t).CoreV1().ServiceAccounts(namespace).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	roles := client(t).RbacV1()
	if _, err := roles.Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: account},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: namespace}},
	}
	if _, err := roles.RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
