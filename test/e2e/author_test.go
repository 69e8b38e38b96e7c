package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// author is somebody who writes an autoscaler: a folder with its configuration and the record script.
type author struct {
	*testing.T
	dir string
}

func newAuthor(t *testing.T, config string, files map[string]string) author {
	t.Helper()
	a := author{t, t.TempDir()}
	a.write("config.yaml", config)
	a.write("record", record)
	for name, text := range files {
		a.write(name, text)
	}
	return a
}

func (a author) write(name, text string) {
	a.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o755); err != nil {
		a.Fatal(err)
	}
}

// runs runs a command of the program there, as the kubeconfig's user, and gives what it prints. It has to end with the code.
func (a author) runs(code int, kubeconfig, command string, arguments ...string) (stdout, stderr string) {
	a.Helper()
	return a.runsProgram(code, append([]string{command, "--config", "config.yaml", "--kubeconfig", kubeconfig}, arguments...)...)
}

func (a author) runsProgram(code int, arguments ...string) (stdout, stderr string) {
	a.Helper()
	program := exec.CommandContext(a.Context(), build(a.T, "-race"), arguments...)
	program.Dir = a.dir
	var out, words bytes.Buffer
	program.Stdout, program.Stderr = &out, &words
	err := program.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		a.Fatal(err)
	}
	if got := program.ProcessState.ExitCode(); got != code {
		a.Fatalf("%s ended with %d, want %d\n%s%s", strings.Join(arguments, " "), got, code, &out, &words)
	}
	return out.String(), words.String()
}

// has looks for a line that has all the words.
func (a author) has(text string, words ...string) {
	a.Helper()
	for line := range strings.Lines(text) {
		if containsAll(line, words) {
			return
		}
	}
	a.Errorf("no line has %q:\n%s", words, text)
}

func TestCheckFindsWhatTheClusterLacks(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 2)
	config := base(namespace) + requiredCPU + "customPodAutoscaler: {name: web-autoscaler}\n"
	a := newAuthor(t, config, nil)
	admin := cluster.Start(t).Kubeconfig()
	out, _ := a.runs(0, admin, "check", "--cluster")
	a.has(out, "ok ", "target kind", "deployments of apps/v1 can be scaled")
	a.has(out, "ok ", "target ", `Deployment "web" in namespace`, "has 2 replicas")
	a.has(out, "ok ", "target pods", "the selector app=web selects 2, of which 2 run")
	a.has(out, "ok ", "metrics API", "metrics.k8s.io/v1beta1 is served")
	a.has(out, "ok ", "right", `patch deployments.apps/scale "web"`)
	a.has(out, "ok ", "right", "list pods.metrics.k8s.io")
	a.has(out, "ok ", "right", `patch custompodautoscalers.custompodautoscaler.com/status "web-autoscaler"`)

	grant(t, namespace, "reader", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"apps"}, Resources: []string{"deployments", "deployments/scale"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}},
	}})
	out, _ = a.runs(1, serviceAccount(t, namespace, "reader"), "check", "--cluster")
	a.has(out, "ok ", "right", `get deployments.apps/scale "web"`)
	a.has(out, "error ", "right", "is not allowed",
		`add to a Role in namespace `+namespace+`: {apiGroups: ["apps"], resources: ["deployments/scale"], resourceNames: ["web"], verbs: ["patch"]}`)
	a.has(out, "error ", "right", `{apiGroups: ["metrics.k8s.io"], resources: ["pods"], verbs: ["list"]}`)
	a.has(out, "warning ", "right", "no events are written", `{apiGroups: [""], resources: ["events"], verbs: ["create"]}`)
	a.has(out, "error ", "right", "nothing is scaled without it, unless leaderElection is false", `resources: ["leases"], verbs: ["create"]`)

	kubectl(t, "", "autoscale", "deployment", "web", "-n", namespace, "--max=3", "--name=theirs")
	out, _ = a.runs(0, admin, "check", "--cluster")
	a.has(out, "warning ", "target ", `it is scaled by HorizontalPodAutoscaler "theirs", as well`)

	a.write("config.yaml", strings.Replace(config, "name: web}", "name: wbe}", 1))
	out, _ = a.runs(1, admin, "check", "--cluster")
	a.has(out, "error ", "target ", `"wbe" not found`, "does it exist? (scaleTargetRef, namespace)")
	a.write("config.yaml", strings.Replace(config, "kind: Deployment", "kind: DaemonSet", 1))
	out, _ = a.runs(1, admin, "check", "--cluster")
	a.has(out, "error ", "target kind", "DaemonSet of apps/v1 cannot be scaled: it has no number of replicas that could be set")
}

// TestTheRightsThatCheckAsksForAreEnough gives an autoscaler without any rights those that check names, and no others.
func TestTheRightsThatCheckAsksForAreEnough(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	setObjectMetric(t, namespace, "pods", podsOf(t, namespace, "web")[0].Name, "hits", "5")
	setObjectMetric(t, namespace, "deployments.apps", "web", "hits", "5")
	setExternalMetric(t, namespace, "jobs", nil, "7")
	metrics := specs(podHits, hits("apps/v1", "Deployment", "web", "Value"), "{type: External, external: {metric: {name: jobs}, target: {type: Value}}}")
	a := newAuthor(t, base(namespace)+"requireKubernetesMetrics: true"+metrics, replies(3))
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "asked-for"}}
	grant(t, namespace, "asked-for", role)
	account := serviceAccount(t, namespace, "asked-for")

	out, _ := a.runs(1, account, "check", "--cluster", "-o", "json")
	role.Rules = fixes(t, out)
	if _, err := client(t).RbacV1().Roles(namespace).Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	out, _ = a.runs(0, account, "check", "--cluster")
	a.has(out, "ok ", "metrics API", "custom.metrics.k8s.io/v1beta2 is served")
	a.has(out, "ok ", "metrics API", "external.metrics.k8s.io/v1beta1 is served")
	out, _ = a.runs(0, account, "once", "--apply")
	a.has(out, "Kubernetes metric Pods hits: total 5, average 5; 1 pod, 0 ignored, 0 missing")
	a.has(out, "Kubernetes metric External jobs: 7")
	a.has(out, "1 -> 3 replicas")
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
	namespace := deploy(t, 2)
	measured(t, namespace, "web", 2)
	files := map[string]string{"metric.reply": "busy", "evaluate.reply": `{"targetReplicas": 30, "reason": "very busy"}`}
	a := newAuthor(t, base(namespace)+requiredCPU+`customPodAutoscaler: {name: web-autoscaler, uid: "1234"}
preScale: {type: shell, shell: {entrypoint: ./record, command: [preScale]}}
`, files)
	admin := cluster.Start(t).Kubeconfig()

	out, _ := a.runs(0, admin, "once")
	a.has(out, "Kubernetes metric Resource cpu: total 20", "50% of requests; 2 pods, 0 ignored, 0 missing")
	a.has(out, `         "kubernetesMetrics": [`)
	a.has(out, "       ... ", " more lines: -o json has all of it")
	a.has(out, "  out  busy")
	a.has(out, `             "value": "busy"`)
	if strings.Contains(out, "managedFields") {
		t.Error("it shows who manages which field")
	}
	a.has(out, "Deployment "+namespace+"/web: 2 -> 10 replicas; 30 recommended")
	a.has(out, "TooManyReplicas: 30 recommended, maxReplicas is 10")
	a.has(out, `evaluate says: "very busy"`)
	a.has(out, "a dry run: nothing was changed; --apply scales")
	if got := replicas(t, namespace); got != 2 {
		t.Errorf("a dry run scaled to %d", got)
	}
	if strings.Contains(out, "preScale") {
		t.Errorf("a dry run ran preScale:\n%s", out)
	}

	out, _ = a.runs(0, admin, "once", "--apply", "-o", "json")
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
	if got := replicas(t, namespace); got != 10 {
		t.Errorf("there are %d replicas, want 10", got)
	}

	a.write("evaluate.reply", "rubbish")
	out, words := a.runs(1, admin, "once")
	a.has(out, "  out  rubbish")
	a.has(out, "failed in the stage evaluate (FailedComputeMetricsReplicas)")
	a.has(words, "the pass failed in the stage evaluate: reading what evaluate replied")

	a.write("config.yaml", strings.Replace(base(namespace), "evaluate: ", "evaluate: {type: hpa}\nignored: ", 1)+
		specs("{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 1}}}"))
	out, words = a.runs(0, admin, "once")
	a.has(words, "ignored is not a key of the autoscaler")
	a.has(out, "Kubernetes metric Resource cpu: total ")
	a.has(out, "evaluate says: ", "cpu resource is ", "target 1")
	setReplicas(t, namespace, 0)
	out, _ = a.runs(0, admin, "once")
	a.has(out, "Deployment "+namespace+"/web is left alone")
	a.has(out, "ScalingDisabled: the target has 0 replicas and minReplicas is not 0")
	out, _ = a.runs(0, admin, "check", "--cluster")
	a.has(out, "warning ", "target ", "has 0 replicas, so the autoscaler leaves it alone")
	leftNoTrace(t, namespace)
}

func leftNoTrace(t *testing.T, namespace string) {
	t.Helper()
	if all := events(t, namespace); len(all) != 0 {
		t.Errorf("it wrote events: %q", all)
	}
	leases, err := client(t).CoordinationV1().Leases(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(leases.Items) != 0 {
		t.Errorf("it took a lease: %v %v", leases, err)
	}
}
