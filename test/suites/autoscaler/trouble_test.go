package autoscaler

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// Not parallel: every other test needs kube-apiserver.
func TestRecoversWhenTheAPIServerIsGoneAndBack(t *testing.T) {
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(1)})
	p.Passes("evaluate", 1)
	mark := p.Mark()
	if err := cluster.Start(t).StopComponent(t.Context(), "kube-apiserver"); err != nil {
		t.Fatal(err)
	}
	p.LogsAfter(mark, "pass failed, nothing was scaled", "connection refused", "is the API server at https://127.0.0.1:", "running, and does the network let us reach it?")
	if err := cluster.Start(t).StartComponent(t.Context(), "kube-apiserver"); err != nil {
		t.Fatal(err)
	}
	p.LogsAfter(mark, "recovered", "failedPasses=")
	p.Evaluates(3)
	harness.ScalesTo(t, namespace, 3)
}

func TestRecoversFromAnAPIServerThatMisbehaves(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	proxy := harness.StartProxy(t)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "requestTimeout: 1000\n", Files: harness.Replies(1), Kube: proxy.Kubeconfig})
	for _, row := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		says   []string
	}{
		{"it does not answer", harness.Never, []string{"no answer within 1s (requestTimeout)", "is the API server at http://127.0.0.1:", "overloaded or out of reach?"}},
		{"it hangs up", harness.HangUp, []string{"EOF", "is the API server at http://127.0.0.1:"}},
		{"it has no use for our credentials", harness.Refuse(http.StatusUnauthorized, metav1.StatusReasonUnauthorized), []string{"its credentials are not accepted"}},
		{"it is starting up", harness.Refuse(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable), []string{"is not available"}},
		{"it is overloaded", harness.Refuse(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests), []string{"is overloaded; the next pass tries again"}},
		{"it breaks", harness.Refuse(http.StatusInternalServerError, metav1.StatusReasonInternalError), []string{"for a test"}},
	} {
		p.Passes("evaluate", 1)
		mark := p.Mark()
		proxy.Answer(row.answer)
		t.Logf("when %s", row.name)
		p.LogsAfter(mark, append(row.says, "pass failed, nothing was scaled")...)
		proxy.Answer(nil)
		p.LogsAfter(mark, "recovered", "failedPasses=")
	}
	p.Evaluates(2)
	harness.ScalesTo(t, namespace, 2)
}

// The conflict is the proxy's: kube-apiserver applies a JSON patch anew when it meets one, several times, so that it
// cannot be made to report it at will.
func TestAConflictIsLeftToTheNextPass(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	proxy := harness.StartProxy(t)
	conflict := harness.Refuse(http.StatusConflict, metav1.StatusReasonConflict)
	proxy.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch {
			return false
		}
		proxy.Answer(nil)
		return conflict(w, r)
	})
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(2), Kube: proxy.Kubeconfig})
	p.Logs("pass failed, nothing was scaled", `scaling \"web\" from 1 to 2 replicas`, "somebody changed it at the same time; the next pass reads it anew")
	p.Logs("recovered", "failedPasses=1")
	harness.ScalesTo(t, namespace, 2)
}

func TestRecoversWhenTheTargetIsDeletedAndCreatedAgain(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(1)})
	p.Passes("evaluate", 1)
	mark := p.Mark()
	if err := harness.Client(t).AppsV1().Deployments(namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.LogsAfter(mark, "pass failed, nothing was scaled", `"web\" not found`, "does it exist? (scaleTargetRef, namespace); scaling goes on by itself once it does")
	harness.CreateDeployment(t, namespace, 1)
	p.LogsAfter(mark, "recovered", "failedPasses=")
	p.Evaluates(2)
	harness.ScalesTo(t, namespace, 2)
}

func TestATargetThatCannotBeIsExplained(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	for _, row := range []struct {
		name, ref string
		says      []string
	}{
		{"the kind has a typo", "{apiVersion: apps/v1, kind: Deploymnt, name: web}",
			[]string{`the API serves no kind \"Deploymnt\" in apps (v1), where it can scale: `, "Deployment", "StatefulSet", "(scaleTargetRef)"}},
		{"the kind cannot be scaled", "{apiVersion: apps/v1, kind: DaemonSet, name: web}",
			[]string{"DaemonSet of apps/v1 cannot be scaled: it has no number of replicas that could be set"}},
		{"the kind is not in namespaces", "{apiVersion: v1, kind: Node, name: node-1}",
			[]string{"Node of v1 cannot be scaled: it is outside of namespaces"}},
		{"the group is not served any more", "{apiVersion: extensions/v1beta1, kind: Deployment, name: web}",
			[]string{`the API does not serve the group \"extensions\"; Deployment is of apps/v1`, "(scaleTargetRef)"}},
		{"the group is not served", "{apiVersion: nowhere.example.com/v1alpha1, kind: Rollout, name: web}",
			[]string{`the API does not serve the group \"nowhere.example.com\": is its CustomResourceDefinition installed?`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Env: []string{"scaleTargetRef=" + row.ref}})
			p.Logs(append(row.says, "pass failed, nothing was scaled")...)
		})
	}
}

// TestATargetIsFoundAsAnHPAFindsIt: by its group and kind, in any case and of any version that is served.
func TestATargetIsFoundAsAnHPAFindsIt(t *testing.T) {
	t.Parallel()
	for name, ref := range map[string]string{
		"in another case":                "{apiVersion: apps/v1, kind: deployment, name: web}",
		"of a version that was served":   "{apiVersion: apps/v1beta2, kind: Deployment, name: web}",
		"of a version, in another case":  "{apiVersion: apps/v1beta1, kind: DEPLOYMENT, name: web}",
		"a ReplicationController, of v1": "{kind: replicationcontroller, name: web}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := cluster.Start(t).Namespace(t)
			if strings.Contains(ref, "apiVersion") {
				harness.CreateDeployment(t, namespace, 1)
			} else {
				harness.Kubectl(t, `{apiVersion: v1, kind: ReplicationController, metadata: {name: web}, spec: {replicas: 1, selector: {app: web}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}}}`,
					"create", "-n", namespace, "-f", "-")
			}
			p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(2), Env: []string{"scaleTargetRef=" + ref}})
			p.Logs("scaled", "current=1", "replicas=2")
			if errors := p.Lines("level=ERROR"); len(errors) > 0 {
				t.Errorf("got %q", errors)
			}
		})
	}
}

func TestFindsAKindThatIsInstalledAndMadeScalableLater(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	p := harness.Start(t, harness.Options{
		Config: harness.BaseConfig(namespace), Files: harness.Replies(2),
		Env: []string{"scaleTargetRef={apiVersion: trouble.example.com/v1, kind: Worker, name: web}"},
	})
	p.Logs(`the API does not serve the group \"trouble.example.com\": is its CustomResourceDefinition installed?`)

	harness.InstallWorkers(t, "trouble.example.com", "{}")
	p.Logs("Worker of trouble.example.com/v1 cannot be scaled: its CustomResourceDefinition has no scale subresource (subresources.scale)")

	harness.InstallWorkers(t, "trouble.example.com", harness.Scalable)
	p.Logs(`workers.trouble.example.com \"web\" not found`, "does it exist? (scaleTargetRef, namespace)")

	harness.CreateCustomWorker(t, namespace, "trouble.example.com")
	p.Logs("recovered", "failedPasses=")
	p.Logs("scaled", "current=1", "replicas=2")
	if got := harness.Kubectl(t, "", "get", "-n", namespace, "workers.trouble.example.com", "web", "-o", "jsonpath={.spec.replicas}"); got != "2" {
		t.Errorf("the custom resource has %s replicas, want 2", got)
	}
}

// TestTheExamplesRoleIsJustEnough runs as the example's service account, with its rights taken away one at a time.
func TestTheExamplesRoleIsJustEnough(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.PodsAreMeasured(t, namespace, "web", 1)
	harness.Kubectl(t, harness.ReadFile(t, harness.Root+"/examples/k8s-metrics-cpu/autoscaler.yaml"), "apply", "-n", namespace, "-f", "-")
	account := harness.ServiceAccount(t, namespace, "web-autoscaler")
	roles := harness.Client(t).RbacV1().Roles(namespace)
	whole, err := roles.Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i, rule := range whole.Rules {
		if rule.Resources[0] == "events" {
			continue // scaling goes on without: see TestScalingGoesOnWithoutTheRightToWriteEvents
		}
		for _, verb := range rule.Verbs {
			tried++
			without := whole.DeepCopy()
			without.Rules[i].Verbs = slices.DeleteFunc(without.Rules[i].Verbs, func(v string) bool { return v == verb })
			if len(without.Rules[i].Verbs) == 0 {
				without.Rules = slices.Delete(without.Rules, i, i+1)
			}
			setRole(t, without, "web-autoscaler", rule, verb, false)
			replicas := 1 + tried%2 // so that there is something to patch
			p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + harness.RequiredCPU, Files: harness.Replies(replicas), Kube: account})
			needs := fmt.Sprintf(`the autoscaler's Role needs the verb \"%s\" on resource \"%s\" of API group \"%s\"`, verb, rule.Resources[0], rule.APIGroups[0])
			if rule.APIGroups[0] == "" { // pods are watched or listed: it scales with one of the two
				if verb == "watch" {
					p.Logs("watching the target's pods failed; they are listed at each pass", "is forbidden", needs)
				}
				harness.ScalesTo(t, namespace, int32(replicas))
				setRole(t, whole, "web-autoscaler", rule, verb, true)
			} else {
				p.Logs("pass failed, nothing was scaled", "is forbidden", needs)
				setRole(t, whole, "web-autoscaler", rule, verb, true)
				p.Logs("recovered", "failedPasses=")
				harness.ScalesTo(t, namespace, int32(replicas))
			}
			p.Stop()
		}
	}
	if tried != 6 {
		t.Errorf("%d rights were tried, want the 6 that the autoscaler needs", tried)
	}
}

// setRole sets the rules of a role, and waits until the account may do what the verb and the rule say, or may not.
func setRole(t *testing.T, role *rbacv1.Role, account string, rule rbacv1.PolicyRule, verb string, may bool) {
	t.Helper()
	fresh := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: role.Name}, Rules: role.Rules}
	if _, err := harness.Client(t).RbacV1().Roles(role.Namespace).Update(t.Context(), fresh, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	resource, subresource, _ := strings.Cut(rule.Resources[0], "/")
	attributes := &authorizationv1.ResourceAttributes{Namespace: role.Namespace, Verb: verb, Group: rule.APIGroups[0], Resource: resource, Subresource: subresource}
	if len(rule.ResourceNames) > 0 {
		attributes.Name = rule.ResourceNames[0]
	}
	harness.Eventually(t, "the cluster to heed a Role", func() (bool, error) {
		review, err := harness.Client(t).AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:" + role.Namespace + ":" + account, ResourceAttributes: attributes,
		}}, metav1.CreateOptions{})
		return err == nil && review.Status.Allowed == may, err
	})
}
