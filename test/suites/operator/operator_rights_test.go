package operator

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestAMissingRightIsPrinted: the operator may do all that it needs, but hand on nothing about a kind that nobody gave it.
func TestAMissingRightIsPrinted(t *testing.T) {
	t.Parallel()
	const group = "missing-right.example.com"
	harness.InstallCRD(t)
	harness.InstallWorkers(t, group, harness.Scalable)
	namespace := cluster.Start(t).Namespace(t)
	harness.CreateCustomWorker(t, namespace, group)
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "operator"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"", "apps", "rbac.authorization.k8s.io", "custompodautoscaler.com", "coordination.k8s.io"},
		Resources: []string{"*"}, Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"},
	}}}
	harness.Grant(t, namespace, "operator", role)
	operator := harness.StartOperator(t, namespace, harness.ServiceAccount(t, namespace, "operator"))
	object := strings.Replace(harness.AutoscalerObject, "{apiVersion: apps/v1, kind: Deployment, name: web}", "{apiVersion: "+group+"/v1, kind: Worker, name: web}", 1)
	harness.Kubectl(t, object, "apply", "-n", namespace, "-f", "-")
	rules := `[{apiGroups: ["` + group + `"], resources: ["workers"], verbs: [get]}, {apiGroups: ["` + group + `"], resources: ["workers/scale"], verbs: [get, patch]}]`
	harness.HasCondition(t, namespace, "Ready False Forbidden", `ClusterRole with the label custompodautoscaler.com/aggregate-to-operator: "true": `+rules)
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Warning Forbidden")
	operator.Logs("level=WARN", "reason=Forbidden", "workers/scale")

	harness.Kubectl(t, "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: further}, rules: "+rules+"}", "create", "-n", namespace, "-f", "-")
	harness.Kubectl(t, "", "create", "rolebinding", "-n", namespace, "further", "--role=further", "--serviceaccount="+namespace+":operator")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "") // within half a minute
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal MinimumReplicas")
	if n := strings.Count(operator.Printed.String(), "level=WARN msg=condition"); n > 2 { // with and without the rule for the scale
		t.Errorf("there are %d warnings about one thing", n)
	}
}

// TestTheRoleIsEnoughForMetrics of every source, since the object's configuration has specs.
func TestTheRoleIsEnoughForMetrics(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.PodsAreMeasured(t, namespace, "web", 1)
	harness.SetObjectMetric(t, namespace, "pods", harness.PodsOf(t, namespace, "web")[0].Name, "hits", "7")
	harness.SetObjectMetric(t, namespace, "deployments.apps", "web", "hits", "9")
	harness.SetExternalMetric(t, namespace, "jobs", nil, "5")
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	all := strings.Split(strings.TrimSpace(harness.MetricSpecs("{type: Resource, resource: {name: cpu, target: {type: Utilization}}}", harness.PodHits,
		harness.Hits("apps/v1", "Deployment", "web", "Value"), harness.Jobs("{}", "Value"))), "\n")[1:]
	object := harness.AutoscalerObject + "    - name: kubernetesMetricSpecs\n      value: |\n"
	for _, line := range all {
		object += "        " + strings.TrimSpace(line) + "\n"
	}
	harness.Kubectl(t, object+"    - {name: requireKubernetesMetrics, value: \"true\"}\n", "apply", "-n", namespace, "-f", "-")
	p := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(3)})
	harness.ScalesTo(t, namespace, 3)
	if got := p.Sources(); len(got) != 4 || strings.Contains(p.Printed.String(), "forbidden") {
		t.Errorf("it was given %q, want four metrics", got)
	}
}

// TestTheOperatorSaysWhatItCannotDoWithout: it ends, and Kubernetes starts it again.
func TestTheOperatorSaysWhatItCannotDoWithout(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	for _, row := range []struct {
		name, says string
		answer     func(http.ResponseWriter, *http.Request) bool
	}{
		{"no definition", "the API serves no custompodautoscaler.com/v1: install the definition of CustomPodAutoscaler first", func(w http.ResponseWriter, r *http.Request) bool {
			gone := strings.HasPrefix(r.URL.Path, "/apis/custompodautoscaler.com")
			if gone {
				http.NotFound(w, r)
			}
			return gone
		}},
		{"no API server", "is the API server at http://127.0.0.1:", harness.HangUp},
	} {
		t.Run(row.name, func(t *testing.T) {
			proxy := harness.StartProxy(t)
			proxy.Answer(row.answer)
			operator := harness.StartOperator(t, namespace, proxy.Kubeconfig)
			<-operator.Exited
			if code := operator.Stop(); code != 1 || !strings.Contains(operator.Printed.String(), row.says) || strings.Count(operator.Printed.String(), "\n") != 1 {
				t.Errorf("it ended with %d, and said\n%s\nwant 1, and %q", code, operator.Printed, row.says)
			}
		})
	}
}

func TestTheOperatorsMetricsAreForWhoIsAllowed(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	harness.Kubectl(t, "", "create", "-n", namespace, "serviceaccount", "stranger")
	harness.Kubectl(t, "", "create", "-n", namespace, "serviceaccount", "prometheus")
	reader := "metrics-" + namespace
	harness.Kubectl(t, "", "create", "clusterrole", reader, "--verb=get", "--non-resource-url=/metrics")
	harness.Kubectl(t, "", "create", "clusterrolebinding", reader, "--clusterrole="+reader, "--serviceaccount="+namespace+":prometheus")
	t.Cleanup(func() { harness.Kubectl(t, "", "delete", "clusterrole,clusterrolebinding", reader) })
	address := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	operator := harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig(), "--metrics-address", address)
	operator.Logs("msg=started")
	for _, row := range []struct {
		name, token string
		code        int
		says        string
	}{
		{"nobody, though on loopback", "", 401, "a token that Kubernetes knows has to be presented"},
		{"a token that nobody gave out", "made-up", 401, "Unauthorized"},
		{"an account without the right", harness.Token(t, namespace, "stranger"), 403, ":stranger' may not 'get' '/metrics'"},
		{"an account with it", harness.Token(t, namespace, "prometheus"), 200, "controller_runtime_reconcile_total"},
	} {
		operator.Eventually(row.name, func() (bool, error) {
			code, body, err := scrape(t, "https://"+address+"/metrics", row.token)
			return err == nil && code == row.code && strings.Contains(body, row.says), fmt.Errorf("got %d %.300s %v", code, body, err)
		})
	}
}

// scrape asks over TLS with a certificate that nobody signed.
func scrape(t *testing.T, url, token string) (code int, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}
