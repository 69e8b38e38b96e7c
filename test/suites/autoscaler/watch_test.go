package autoscaler

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// counting is user logic that keeps how many pods metric ran for, and which, and scales nothing: the test does.
const counting = `
runMode: per-pod
interval: 300
metric: {type: shell, timeout: 20000, shell: {command: ["-c", "cat > /dev/null; echo there"]}}
evaluate: {type: shell, timeout: 20000, shell: {command: ["-c", "tee documents | grep -o there | wc -l > count; exit 1"]}}
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
`

// TestPodsComeAndGoByTheWatch: after the first passes pods are listed no more, and yet each pass has those that there are.
func TestPodsComeAndGoByTheWatch(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	proxy := harness.StartProxy(t)
	p := harness.Start(t, harness.Options{Kube: proxy.Kubeconfig, Config: counting + "namespace: " + namespace + "\n"})
	settlesOn(p, proxy, []string{"GET apps/v1 deployments/web/scale protobuf"})
	lists := func() int { return strings.Count(fmt.Sprint(byPasses(proxy)), "GET v1 pods?") }
	before := lists()
	measuresPods := func(want int) {
		t.Helper()
		p.Eventually(fmt.Sprintf("a pass over %d pods", want), func() (bool, error) {
			got := strings.TrimSpace(p.Read("count"))
			return got == fmt.Sprint(want), fmt.Errorf("there are %q", got)
		})
	}
	for _, replicas := range []int32{4, 2} {
		harness.SetReplicas(t, namespace, replicas)
		measuresPods(int(replicas))
		harness.PodsAreReady(t, namespace, int(replicas))
	}
	pods := harness.PodsOf(t, namespace, "web")
	if err := harness.Client(t).CoreV1().Pods(namespace).Delete(t.Context(), pods[0].Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.Eventually("a pass without the pod that was deleted", func() (bool, error) {
		documents := p.Read("documents")
		return documents != "" && !strings.Contains(documents, pods[0].Name), nil
	})
	if after := lists(); after != before {
		t.Errorf("passes have listed pods %d times meanwhile", after-before)
	}

	// A watch that is cut off says nothing wrong: until it is back, pods are listed.
	proxy.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("watch") || r.URL.Query().Has("resourceVersion") {
			http.Error(w, "no", http.StatusForbidden)
			return true
		}
		return false
	})
	proxy.HangUpAll()
	p.Logs("watching the target's pods failed; they are listed at each pass")
	harness.SetReplicas(t, namespace, 5)
	measuresPods(5)
	if lists() == before {
		t.Error("nobody has listed the pods")
	}
}
