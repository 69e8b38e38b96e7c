package e2e

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
)

// TestAMissingRightIsPrinted: the operator may do all that it needs, but hand on nothing about a kind that nobody gave it.
func TestAMissingRightIsPrinted(t *testing.T) {
	t.Parallel()
	const group = "missing-right.example.com"
	installCRD(t)
	installWorkers(t, group, scalable)
	namespace := cluster.Start(t).Namespace(t)
	createCustomWorker(t, namespace, group)
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "operator"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"", "apps", "rbac.authorization.k8s.io", "custompodautoscaler.com", "coordination.k8s.io"},
		Resources: []string{"*"}, Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"},
	}}}
	grant(t, namespace, "operator", role)
	operator := startOperator(t, namespace, serviceAccount(t, namespace, "operator"))
	object := strings.Replace(autoscalerObject, "{apiVersion: apps/v1, kind: Deployment, name: web}", "{apiVersion: "+group+"/v1, kind: Worker, name: web}", 1)
	kubectl(t, object, "apply", "-n", namespace, "-f", "-")
	rules := `[{apiGroups: ["` + group + `"], resources: ["workers"], verbs: [get]}, {apiGroups: ["` + group + `"], resources: ["workers/scale"], verbs: [get, patch]}]`
	hasCondition(t, namespace, "Ready False Forbidden", `ClusterRole with the label custompodautoscaler.com/aggregate-to-operator: "true": `+rules)
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Warning Forbidden")
	operator.logs("level=WARN", "reason=Forbidden", "workers/scale")

	kubectl(t, "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: further}, rules: "+rules+"}", "create", "-n", namespace, "-f", "-")
	kubectl(t, "", "create", "rolebinding", "-n", namespace, "further", "--role=further", "--serviceaccount="+namespace+":operator")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "") // within half a minute
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal MinimumReplicas")
	if n := strings.Count(operator.log.String(), "level=WARN msg=condition"); n > 2 { // with and without the rule for the scale
		t.Errorf("there are %d warnings about one thing", n)
	}
}

// TestTheRoleIsEnoughForMetrics of every source, since the object's configuration has specs.
func TestTheRoleIsEnoughForMetrics(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	measured(t, namespace, "web", 1)
	setObjectMetric(t, namespace, "pods", podsOf(t, namespace, "web")[0].Name, "hits", "7")
	setObjectMetric(t, namespace, "deployments.apps", "web", "hits", "9")
	setExternalMetric(t, namespace, "jobs", nil, "5")
	startOperator(t, namespace, cluster.Start(t).Kubeconfig())
	all := strings.Split(strings.TrimSpace(specs("{type: Resource, resource: {name: cpu, target: {type: Utilization}}}", podHits,
		hits("apps/v1", "Deployment", "web", "Value"), jobs("{}", "Value"))), "\n")[1:]
	object := autoscalerObject + "    - name: kubernetesMetricSpecs\n      value: |\n"
	for _, line := range all {
		object += "        " + strings.TrimSpace(line) + "\n"
	}
	kubectl(t, object+"    - {name: requireKubernetesMetrics, value: \"true\"}\n", "apply", "-n", namespace, "-f", "-")
	p := startAsPod(t, namespace, options{files: replies(3)})
	scalesTo(t, namespace, 3)
	if got := p.sources(); len(got) != 4 || strings.Contains(p.log.String(), "forbidden") {
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
		{"no API server", "is the API server at http://127.0.0.1:", hangUp},
	} {
		t.Run(row.name, func(t *testing.T) {
			proxy := startProxy(t)
			proxy.answer(row.answer)
			operator := startOperator(t, namespace, proxy.kubeconfig)
			<-operator.exited
			if code := operator.stop(); code != 1 || !strings.Contains(operator.log.String(), row.says) || strings.Count(operator.log.String(), "\n") != 1 {
				t.Errorf("it ended with %d, and said\n%s\nwant 1, and %q", code, operator.log, row.says)
			}
		})
	}
}

func TestTheOperatorsMetricsAreForWhoIsAllowed(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	kubectl(t, "", "create", "-n", namespace, "serviceaccount", "stranger")
	kubectl(t, "", "create", "-n", namespace, "serviceaccount", "prometheus")
	reader := "metrics-" + namespace
	kubectl(t, "", "create", "clusterrole", reader, "--verb=get", "--non-resource-url=/metrics")
	kubectl(t, "", "create", "clusterrolebinding", reader, "--clusterrole="+reader, "--serviceaccount="+namespace+":prometheus")
	t.Cleanup(func() { kubectl(t, "", "delete", "clusterrole,clusterrolebinding", reader) })
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	operator := startOperator(t, namespace, cluster.Start(t).Kubeconfig(), "--metrics-address", address)
	operator.logs("msg=started")
	for _, row := range []struct {
		name, token string
		code        int
		says        string
	}{
		{"nobody, though on loopback", "", 401, "a token that Kubernetes knows has to be presented"},
		{"a token that nobody gave out", "made-up", 401, "Unauthorized"},
		{"an account without the right", token(t, namespace, "stranger"), 403, ":stranger' may not 'get' '/metrics'"},
		{"an account with it", token(t, namespace, "prometheus"), 200, "controller_runtime_reconcile_total"},
	} {
		operator.eventually(row.name, func() (bool, error) {
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
