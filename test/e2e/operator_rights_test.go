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

	"github.com/custom-pod-autoscaler/autoscaler/test/cluster"
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
	if n := strings.Count(operator.log.String(), "level=WARN"); n > 2 { // with and without the rule for the scale
		t.Errorf("there are %d warnings about one thing", n)
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
