package tools

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// Pods that are not the Deployment's. Its selector in k8s-metrics-cpu-match-expressions selects the first of them.
const podsOfOthers = `{apiVersion: v1, kind: Pod, metadata: {name: canary, labels: {app: web-canary, tier: front}}, ` + webContainer + `}
---
{apiVersion: v1, kind: Pod, metadata: {name: untiered, labels: {app: web-canary}}, ` + webContainer + `}
---
{apiVersion: v1, kind: Pod, metadata: {name: loaded, labels: {app: web, tier: front, purpose: load-test}}, ` + webContainer + `}
`

const webContainer = `spec: {containers: [{name: web, image: 'web:1', resources: {requests: {cpu: 200m, memory: 64Mi}}}]}`

// TestTheExamplesFindTheirPods makes a pass of each example that has a Deployment, or scales one like it, also with pods besides.
func TestTheExamplesFindTheirPods(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		example, deployment, besides string
		pods                         int
		shows                        []string
	}{
		{"k8s-metrics-cpu", "k8s-metrics-cpu", "", 1,
			[]string{"total 180m", "90% of requests; 1 pod, 0 ignored, 0 missing", "web: 1 -> 2 replicas"}},
		{"k8s-metrics-cpu-match-expressions", "k8s-metrics-cpu-match-expressions", "", 1,
			[]string{"total 180m", "90% of requests; 1 pod, 0 ignored, 0 missing", "web: 1 -> 2 replicas"}},
		{"k8s-metrics-cpu-match-expressions", "k8s-metrics-cpu-match-expressions", podsOfOthers, 4,
			[]string{"total 360m", "90% of requests; 2 pods, 0 ignored, 0 missing", "web: 1 -> 4 replicas"}},
		{"hooks", "k8s-metrics-cpu", "", 1,
			[]string{"preMetric (shell, ", "postMetric (shell, ", "preEvaluate (shell, ", "postEvaluate (shell, ", "web: 1 -> 2 replicas"}},
	} {
		name := row.example
		if row.besides != "" {
			name += " beside pods with such labels"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := cluster.Start(t).Namespace(t)
			harness.Kubectl(t, "", "apply", "-n", namespace, "-f", filepath.Join(harness.Root, "examples", row.deployment, "deployment.yaml"))
			if row.besides != "" {
				harness.Kubectl(t, row.besides, "apply", "-n", namespace, "-f", "-")
			}
			harness.PodsAreReady(t, namespace, row.pods)
			harness.Kubectl(t, "", "annotate", "pods", "--all", "-n", namespace, "kwok.x-k8s.io/usage-cpu=180m")
			shows(t, row.example, []string{"namespace=" + namespace}, row.shows...)
		})
	}
}

// TestTheExampleAsksEachServer of a Deployment for its players, and whether it closes.
func TestTheExampleAsksEachServer(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	pods := harness.PodsOf(t, namespace, "web")
	for _, pod := range pods {
		harness.SetObjectMetric(t, namespace, "pods", pod.Name, "players", "7")
	}
	environ := []string{"namespace=" + namespace, "scaleTargetRef={apiVersion: apps/v1, kind: Deployment, name: web}"}
	shows(t, "per-pod", environ, `"value": "{\"state\": \"open\", \"players\": 7}"`, "web: 2 -> 3 replicas", "open servers: 2, their players: 14, still closing: 0")
	harness.PatchPod(t, namespace, pods[0].Name, `{"metadata": {"annotations": {"example.com/closing": "true"}}}`)
	shows(t, "per-pod", environ, `"value": "{\"state\": \"closing\", \"players\": 7}"`, "web: 2 -> 3 replicas", "open servers: 1, their players: 7, still closing: 1")
}

// shows makes passes of an example as it ships, until one has all the words.
func shows(t *testing.T, example string, environ []string, words ...string) {
	t.Helper()
	harness.Eventually(t, "a pass of "+example+" with "+strings.Join(words, ", "), func() (bool, error) {
		once := exec.CommandContext(t.Context(), harness.Build(t, "-race"), "once", "--config", "config.yaml", "--kubeconfig", cluster.Start(t).Kubeconfig())
		once.Dir, once.Env = filepath.Join(harness.Root, "examples", example), append(os.Environ(), append(environ, "PYTHONDONTWRITEBYTECODE=1")...)
		out, err := once.CombinedOutput() // it fails until all is measured
		return harness.ContainsAll(string(out), words), errors.Join(err, errors.New(string(out)))
	})
}

// TestTheExampleOfACustomResource goes through its page: the kind, a fleet, and a pass of its own programs that is applied.
func TestTheExampleOfACustomResource(t *testing.T) {
	t.Parallel()
	const folder = harness.Root + "/examples/custom-resource/"
	namespace := cluster.Start(t).Namespace(t)
	harness.Kubectl(t, "", "apply", "-f", folder+"crd.yaml")
	t.Cleanup(func() { harness.Kubectl(t, "", "delete", "-f", folder+"crd.yaml", "--wait=false") })
	harness.Kubectl(t, "", "wait", "--for=condition=Established", "--timeout="+harness.Patience.String(), "crd/gameserverfleets.games.example.com")
	harness.Kubectl(t, "", "apply", "-n", namespace, "-f", folder+"fleet.yaml")
	harness.Kubectl(t, "", "apply", "--dry-run=server", "-f", folder+"clusterrole.yaml")
	harness.SetExternalMetric(t, namespace, "players", nil, "34")

	once := exec.CommandContext(t.Context(), harness.Build(t, "-race"), "once", "--config", "config.yaml", "--kubeconfig", cluster.Start(t).Kubeconfig(), "--apply")
	once.Dir = folder
	once.Env = append(os.Environ(), "namespace="+namespace, "PYTHONDONTWRITEBYTECODE=1")
	if words, err := once.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, words)
	}
	if replicas := harness.Kubectl(t, "", "get", "-n", namespace, "gameserverfleet", "arena", "-o", "jsonpath={.spec.replicas}"); replicas != "8" {
		t.Errorf("the fleet has %s servers, want 8: 5 for 34 players, and 3 spare", replicas)
	}
}
