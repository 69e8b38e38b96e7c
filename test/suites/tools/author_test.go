package tools

import (
	"encoding/json"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestCheckFindsWhatTheClusterLacks(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	config := harness.BaseConfig(namespace) + harness.RequiredCPU + "customPodAutoscaler: {name: web-autoscaler}\n"
	a := harness.NewAuthor(t, config, nil)
	admin := cluster.Start(t).Kubeconfig()
	out, _ := a.Runs(0, admin, "check", "--cluster")
	a.Has(out, "ok ", "target kind", "deployments of apps/v1 can be scaled")
	a.Has(out, "ok ", "target ", `Deployment "web" in namespace`, "has 2 replicas")
	a.Has(out, "ok ", "target pods", "the selector app=web selects 2, of which 2 run")
	a.Has(out, "ok ", "metrics API", "metrics.k8s.io/v1beta1 is served")
	a.Has(out, "ok ", "right", `patch deployments.apps/scale "web"`)
	a.Has(out, "ok ", "right", "list pods.metrics.k8s.io")
	a.Has(out, "ok ", "right", `patch custompodautoscalers.custompodautoscaler.com/status "web-autoscaler"`)

	harness.Grant(t, namespace, "reader", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"apps"}, Resources: []string{"deployments", "deployments/scale"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}},
	}})
	out, _ = a.Runs(1, harness.ServiceAccount(t, namespace, "reader"), "check", "--cluster")
	a.Has(out, "ok ", "right", `get deployments.apps/scale "web"`)
	a.Has(out, "error ", "right", "is not allowed",
		`add to a Role in namespace `+namespace+`: {apiGroups: ["apps"], resources: ["deployments/scale"], resourceNames: ["web"], verbs: ["patch"]}`)
	a.Has(out, "error ", "right", `{apiGroups: ["metrics.k8s.io"], resources: ["pods"], verbs: ["list"]}`)
	a.Has(out, "warning ", "right", "no events are written", `{apiGroups: [""], resources: ["events"], verbs: ["create"]}`)
	a.Has(out, "error ", "right", "nothing is scaled without it, unless leaderElection is false", `resources: ["leases"], verbs: ["create"]`)

	harness.Kubectl(t, "", "autoscale", "deployment", "web", "-n", namespace, "--max=3", "--name=theirs")
	out, _ = a.Runs(0, admin, "check", "--cluster")
	a.Has(out, "warning ", "target ", `it is scaled by HorizontalPodAutoscaler "theirs", as well`)

	a.Write("config.yaml", strings.Replace(config, "name: web}", "name: wbe}", 1))
	out, _ = a.Runs(1, admin, "check", "--cluster")
	a.Has(out, "error ", "target ", `"wbe" not found`, "does it exist? (scaleTargetRef, namespace)")
	a.Write("config.yaml", strings.Replace(config, "kind: Deployment", "kind: DaemonSet", 1))
	out, _ = a.Runs(1, admin, "check", "--cluster")
	a.Has(out, "error ", "target kind", "DaemonSet of apps/v1 cannot be scaled: it has no number of replicas that could be set")
}

// TestTheRightsThatCheckAsksForAreEnough gives an autoscaler without any rights those that check names, and no others.
func TestTheRightsThatCheckAsksForAreEnough(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.SetObjectMetric(t, namespace, "pods", harness.PodsOf(t, namespace, "web")[0].Name, "hits", "5")
	harness.SetObjectMetric(t, namespace, "deployments.apps", "web", "hits", "5")
	harness.SetExternalMetric(t, namespace, "jobs", nil, "7")
	metrics := harness.MetricSpecs(harness.PodHits, harness.Hits("apps/v1", "Deployment", "web", "Value"), "{type: External, external: {metric: {name: jobs}, target: {type: Value}}}")
	a := harness.NewAuthor(t, harness.BaseConfig(namespace)+"requireKubernetesMetrics: true"+metrics, harness.Replies(3))
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "asked-for"}}
	harness.Grant(t, namespace, "asked-for", role)
	account := harness.ServiceAccount(t, namespace, "asked-for")

	out, _ := a.Runs(1, account, "check", "--cluster", "-o", "json")
	role.Rules = fixes(t, out)
	if _, err := harness.Client(t).RbacV1().Roles(namespace).Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	out, _ = a.Runs(0, account, "check", "--cluster")
	a.Has(out, "ok ", "metrics API", "custom.metrics.k8s.io/v1beta2 is served")
	a.Has(out, "ok ", "metrics API", "external.metrics.k8s.io/v1beta1 is served")
	out, _ = a.Runs(0, account, "once", "--apply")
	a.Has(out, "Kubernetes metric Pods hits: total 5, average 5; 1 pod, 0 ignored, 0 missing")
	a.Has(out, "Kubernetes metric External jobs: 7")
	a.Has(out, "1 -> 3 replicas")
}

// fixes are the rules of RBAC that check says to add.
func fixes(t *testing.T, checked string) (rules []rbacv1.PolicyRule) {
	t.Helper()
	var found struct {
		Checks []struct{ Check, Fix string }
	}
	if err := json.Unmarshal([]byte(checked), &found); err != nil {
		t.Fatalf("%v of %s", err, checked)
	}
	for _, item := range found.Checks {
		_, text, isRule := strings.Cut(item.Fix, ": {")
		if item.Check != "right" || !isRule {
			continue
		}
		var rule rbacv1.PolicyRule
		if err := yaml.UnmarshalStrict([]byte("{"+text), &rule); err != nil {
			t.Fatalf("%v of %s", err, item.Fix)
		}
		rules = append(rules, rule)
	}
	return rules
}

// TestOnceShowsAPassAndLeavesNoTrace makes passes beside the object of another autoscaler, whose lease it does not ask for.
func TestOnceShowsAPassAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	harness.PodsAreMeasured(t, namespace, "web", 2)
	files := map[string]string{"metric.reply": "busy", "evaluate.reply": `{"targetReplicas": 30, "reason": "very busy"}`}
	a := harness.NewAuthor(t, harness.BaseConfig(namespace)+harness.RequiredCPU+`customPodAutoscaler: {name: web-autoscaler, uid: "1234"}
preScale: {type: shell, shell: {entrypoint: ./record, command: [preScale]}}
`, files)
	admin := cluster.Start(t).Kubeconfig()

	out, _ := a.Runs(0, admin, "once")
	a.Has(out, "Kubernetes metric Resource cpu: total 20", "50% of requests; 2 pods, 0 ignored, 0 missing")
	a.Has(out, `         "kubernetesMetrics": [`)
	a.Has(out, "       ... ", " more lines: -o json has all of it")
	a.Has(out, "  out  busy")
	a.Has(out, `             "value": "busy"`)
	if strings.Contains(out, "managedFields") {
		t.Error("it shows who manages which field")
	}
	a.Has(out, "Deployment "+namespace+"/web: 2 -> 10 replicas; 30 recommended")
	a.Has(out, "TooManyReplicas: 30 recommended, maxReplicas is 10")
	a.Has(out, `evaluate says: "very busy"`)
	a.Has(out, "a dry run: nothing was changed; --apply scales")
	if got := harness.Replicas(t, namespace); got != 2 {
		t.Errorf("a dry run scaled to %d", got)
	}
	if strings.Contains(out, "preScale") {
		t.Errorf("a dry run ran preScale:\n%s", out)
	}

	out, _ = a.Runs(0, admin, "once", "--apply", "-o", "json")
	var shown struct {
		Decision struct{ Result string }
		Methods  []struct {
			Method, Reply string
			Document      map[string]any
		}
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil {
		t.Fatalf("%v of %s", err, out)
	}
	if len(shown.Methods) != 3 || shown.Methods[0].Reply != "busy" || shown.Methods[2].Method != "preScale" || shown.Methods[2].Document["maxReplicas"] != 10.0 || shown.Decision.Result != "scaled" {
		t.Errorf("got %+v", shown)
	}
	if got := harness.Replicas(t, namespace); got != 10 {
		t.Errorf("there are %d replicas, want 10", got)
	}

	a.Write("evaluate.reply", "rubbish")
	out, words := a.Runs(1, admin, "once")
	a.Has(out, "  out  rubbish")
	a.Has(out, "failed in the stage evaluate (FailedComputeMetricsReplicas)")
	a.Has(words, "the pass failed in the stage evaluate: reading what evaluate replied")

	a.Write("config.yaml", strings.Replace(harness.BaseConfig(namespace), "evaluate: ", "evaluate: {type: hpa}\nignored: ", 1)+
		harness.MetricSpecs("{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 1}}}"))
	out, words = a.Runs(0, admin, "once")
	a.Has(words, "ignored is not a key of the autoscaler")
	a.Has(out, "Kubernetes metric Resource cpu: total ")
	a.Has(out, "evaluate says: ", "cpu resource is ", "target 1")
	harness.SetReplicas(t, namespace, 0)
	out, _ = a.Runs(0, admin, "once")
	a.Has(out, "Deployment "+namespace+"/web is left alone")
	a.Has(out, "ScalingDisabled: the target has 0 replicas and minReplicas is not 0")
	out, _ = a.Runs(0, admin, "check", "--cluster")
	a.Has(out, "warning ", "target ", "has 0 replicas, so the autoscaler leaves it alone")
	leftNoTrace(t, namespace)
}

func leftNoTrace(t *testing.T, namespace string) {
	t.Helper()
	if all := harness.Events(t, namespace); len(all) != 0 {
		t.Errorf("it wrote events: %q", all)
	}
	leases, err := harness.Client(t).CoordinationV1().Leases(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(leases.Items) != 0 {
		t.Errorf("it took a lease: %v %v", leases, err)
	}
}
