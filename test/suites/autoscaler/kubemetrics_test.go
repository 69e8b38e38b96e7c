package autoscaler

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

const cpuSpec = `
  - {type: Resource, resource: {name: cpu, target: {type: Utilization}}}`

const cpuAndMemory = `
kubernetesMetricSpecs:` + cpuSpec + `
  - {type: Resource, resource: {name: memory, target: {type: AverageValue}}}
`

// gathered is an entry of kubernetesMetrics, as user logic reads it. It is written down here once more, so that a
// renamed key is a failure.
type gathered struct {
	CurrentReplicas int `json:"current_replicas"`
	Resource        struct {
		Pods map[string]struct {
			Timestamp time.Time
			Window    time.Duration
			Value     int64
		} `json:"pod_metrics_info"`
		Requests  map[string]int64    `json:"requests"`
		Ready     int                 `json:"ready_pod_count"`
		Ignored   map[string]struct{} `json:"ignored_pods"`
		Missing   map[string]struct{} `json:"missing_pods"`
		Total     int                 `json:"total_pods"`
		Timestamp time.Time           `json:"timestamp"`
	} `json:"resource"`
}

// gathers waits until the metric method is given metrics that fit, and gives them.
func gathers(p *harness.Program, what string, fit func([]gathered) bool) []gathered {
	p.Helper()
	var document struct{ KubernetesMetrics []gathered }
	p.Eventually(what, func() (bool, error) {
		document.KubernetesMetrics = nil
		text := p.Read("metric.json")
		if text == "" {
			return false, nil
		}
		err := json.Unmarshal([]byte(text), &document)
		return err == nil && fit(document.KubernetesMetrics), err
	})
	return document.KubernetesMetrics
}

// readyPods fits when so many pods are measured, for every spec.
func readyPods(want int) func([]gathered) bool {
	return func(metrics []gathered) bool {
		return len(metrics) > 0 && !slices.ContainsFunc(metrics, func(g gathered) bool { return g.Resource.Ready != want })
	}
}

func TestMetricsSayWhatPodsUse(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + cpuAndMemory, Files: map[string]string{"evaluate.reply": `{"targetReplicas": 2}`}})
	harness.PodsAreMeasured(t, namespace, "web", 2)
	pods := harness.PodsOf(t, namespace, "web")
	for _, row := range []struct {
		name, usage   string // of each pod; at first it is the template's
		cpu, mebibyte int64
	}{
		{name: "what the template says", cpu: 100, mebibyte: 32},
		{"another usage shows up", `{"metadata": {"annotations": {"kwok.x-k8s.io/usage-cpu": "150m", "kwok.x-k8s.io/usage-memory": "48Mi"}}}`, 150, 48},
	} {
		for _, pod := range pods {
			if row.usage != "" {
				harness.PatchPod(t, namespace, pod.Name, row.usage)
			}
		}
		metrics := gathers(p, row.name, func(metrics []gathered) bool {
			if !readyPods(2)(metrics) {
				return false
			}
			for _, pod := range pods {
				// The simulated cpu time is counted in whole looks, so that it is a little off.
				cpu, memory := metrics[0].Resource.Pods[pod.Name].Value, metrics[1].Resource.Pods[pod.Name].Value
				if cpu < row.cpu*9/10 || cpu > row.cpu*11/10 || memory != row.mebibyte<<20*1000 {
					return false
				}
			}
			return true
		})
		for i, metric := range metrics {
			checkCounts(t, metric, pods)
			if requests := metric.Resource.Requests; i == 0 && !maps.Equal(requests, map[string]int64{pods[0].Name: 200, pods[1].Name: 200}) {
				t.Errorf("requests of cpu are %v, want 200 for each pod", requests)
			}
		}
		if requests := metrics[1].Resource.Requests; requests != nil {
			t.Errorf("requests of memory are %v, want none for an AverageValue", requests)
		}
	}
}

// checkCounts holds for a target whose pods are all measured.
func checkCounts(t *testing.T, metric gathered, pods []corev1.Pod) {
	t.Helper()
	got := metric.Resource
	if metric.CurrentReplicas != len(pods) || got.Total != len(pods) || len(got.Pods) != len(pods) || len(got.Ignored)+len(got.Missing) != 0 {
		t.Errorf("got %+v, want %d pods, all ready", metric, len(pods))
	}
	var times []time.Time
	for name, pod := range got.Pods {
		times = append(times, pod.Timestamp)
		if pod.Window <= 0 || pod.Timestamp.IsZero() {
			t.Errorf("pod %s was measured at %s over %s", name, pod.Timestamp, pod.Window)
		}
	}
	if !slices.ContainsFunc(times, got.Timestamp.Equal) {
		t.Errorf("timestamp is %s, want that of a pod: %v", got.Timestamp, times)
	}
}

// TestMetricsServerGoesAway stops metrics-server, so that it must not run next to tests that need it.
func TestMetricsServerGoesAway(t *testing.T) {
	namespace := harness.Deploy(t, 1)
	files := map[string]string{"evaluate.reply": `{"targetReplicas": 1}`}
	required := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + cpuAndMemory + "requireKubernetesMetrics: true\nlogVerbosity: 1\n", Files: files})
	harness.PodsAreMeasured(t, namespace, "web", 1)
	gathers(required, "metrics", readyPods(1))
	optional := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + cpuAndMemory, Files: files})
	gathers(optional, "metrics", readyPods(1))

	setMetricsServer(t, false)
	required.Logs("pass failed, nothing was scaled", "no user logic was run", "2 of 2 failed",
		"kubernetesMetricSpecs[0] (Resource cpu)", "kubernetesMetricSpecs[1] (Resource memory)", "metrics.k8s.io", "is it running?")
	before := required.Read("calls")
	required.LogsMore(3, "pass failed")
	if now := required.Read("calls"); now != before {
		t.Errorf("user logic was run without the metrics that it requires:\n%s", strings.TrimPrefix(now, before))
	}
	gathers(optional, "going on without", func(metrics []gathered) bool { return metrics == nil })
	optional.Passes("evaluate", 3)
	if strings.Contains(optional.Read("metric.json"), "kubernetesMetrics") {
		t.Error("kubernetesMetrics is there though nothing was gathered")
	}
	if warnings := optional.Lines("level=WARN"); len(warnings) != 1 || !harness.ContainsAll(warnings[0], []string{"going on without some Kubernetes metrics", "metrics.k8s.io"}) {
		t.Errorf("want one warning of what is missing, got:\n%s", strings.Join(warnings, ""))
	}

	setMetricsServer(t, true)
	required.Logs("recovered")
	required.Passes("evaluate", 1)
	optional.Logs("level=INFO", "all Kubernetes metrics are there")
	gathers(optional, "metrics again", readyPods(1))
	optional.Passes("evaluate", 2)
	if again := optional.Lines("all Kubernetes metrics are there"); len(again) != 1 {
		t.Errorf("want one line that metrics are there, got:\n%s", strings.Join(again, ""))
	}
}

// setMetricsServer stops metrics-server, or starts it again; it runs again when the test ends.
func setMetricsServer(t *testing.T, runs bool) {
	t.Helper()
	c := cluster.Start(t)
	if runs {
		if err := c.StartComponent(t.Context(), "metrics-server"); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := c.StopComponent(t.Context(), "metrics-server"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.StartComponent(context.Background(), "metrics-server") }) // an error where it runs
}

func TestPodsThatDoNotCount(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	web := harness.PodsOf(t, namespace, "web")
	createOddPods(t, namespace)
	harness.PodsAreMeasured(t, namespace, "web", 2)
	p := harness.Start(t, harness.Options{Config: perPod(namespace) + cpuAndMemory, Files: map[string]string{
		"evaluate.reply": `{"targetReplicas": 2}`, "metric.reply": "7\n",
	}})
	metrics := gathers(p, "metrics", readyPods(2))
	want := []string{"pending", web[0].Name, web[1].Name}
	for _, metric := range metrics {
		got := metric.Resource
		if names := slices.Sorted(maps.Keys(got.Pods)); !slices.Equal(names, want[1:]) {
			t.Errorf("measured are %v, want %v", names, want[1:])
		}
		if names := slices.Sorted(maps.Keys(got.Ignored)); !slices.Equal(names, []string{"pending"}) {
			t.Errorf("ignored_pods are %v, want pending", names)
		}
		if names := slices.Sorted(maps.Keys(got.Missing)); len(names) > 0 {
			t.Errorf("missing_pods are %v, want none", names)
		}
		if got.Total != 3 {
			t.Errorf("total_pods is %d, want 3: none of those that failed, succeeded or are being deleted", got.Total)
		}
	}
	p.Passes("evaluate", 1)
	if names := metricNames(p, "evaluate"); !slices.Equal(names, want) {
		t.Errorf("metric was run for %v, want %v", names, want)
	}
}

// createOddPods creates further pods of the app web: one that is terminating, one each that failed and succeeded, and
// one that finds no node.
func createOddPods(t *testing.T, namespace string) {
	t.Helper()
	api := harness.Client(t).CoreV1().Pods(namespace)
	for _, name := range []string{"failed", "pending", "succeeded", "terminating"} {
		template := harness.PodTemplate("web")
		pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		pod.Name = name
		switch name {
		case "pending":
			pod.Spec.NodeSelector = map[string]string{"there-is": "no-such-node"}
		case "terminating":
			pod.Finalizers = []string{"example.com/held"}
		}
		if _, err := api.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, act := range map[string]func(){
		"failed":    func() { harness.PatchPod(t, namespace, "failed", `{"status": {"phase": "Failed"}}`, "status") },
		"succeeded": func() { harness.PatchPod(t, namespace, "succeeded", `{"status": {"phase": "Succeeded"}}`, "status") },
		"terminating": func() {
			if err := api.Delete(t.Context(), "terminating", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		harness.Eventually(t, "pod "+name+" to run", func() (bool, error) {
			pod, err := api.Get(t.Context(), name, metav1.GetOptions{})
			return err == nil && pod.Status.Phase == corev1.PodRunning, err
		})
		act()
	}
}

// metricNames are the resources whose metrics a document carries, in its order.
func metricNames(p *harness.Program, document string) []string {
	p.Helper()
	var given struct{ Metrics []struct{ Resource string } }
	if err := json.Unmarshal([]byte(p.Read(document+".json")), &given); err != nil {
		p.Fatal(err)
	}
	names := []string{}
	for _, metric := range given.Metrics {
		names = append(names, metric.Resource)
	}
	return names
}

func TestAMissingRequestIsNamed(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	harness.CreateDeploymentOf(t, namespace, func(template *corev1.PodTemplateSpec) {
		template.Spec.Containers = append(template.Spec.Containers, corev1.Container{Name: "helper", Image: "helper:1"})
	})
	harness.PodsAreReady(t, namespace, 1)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + cpuAndMemory + "requireKubernetesMetrics: true\n"})
	p.Logs("pass failed", "1 of 2 failed", "kubernetesMetricSpecs[0] (Resource cpu)", harness.PodsOf(t, namespace, "web")[0].Name, "helper", "cpu request")
	if calls := p.Read("calls"); calls != "" {
		t.Errorf("user logic was run:\n%s", calls)
	}
}

// TestTheExampleScalesByCPU runs the example as it ships, but for where it is and how often it looks.
func TestTheExampleScalesByCPU(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	harness.CreateDeploymentOf(t, namespace, func(template *corev1.PodTemplateSpec) {
		template.Annotations["kwok.x-k8s.io/usage-cpu"] = "170m"
	})
	harness.PodsAreReady(t, namespace, 1)
	files := map[string]string{}
	for _, name := range []string{"metric.py", "evaluate.py", "config.yaml"} {
		text, err := os.ReadFile(filepath.Join(harness.Root, "examples", "k8s-metrics-cpu", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	p := harness.Start(t, harness.Options{Config: files["config.yaml"], Files: files, Env: []string{"namespace=" + namespace, "interval=500"}})
	harness.PodsAreMeasured(t, namespace, "web", 1)
	// 85% busy where 50% is wanted: 1.7 pods.
	p.Logs("scaled", "current=1", "replicas=2", "DesiredWithinRange", "busy, 50% wanted")
	p.Eventually("the Deployment to be scaled", func() (bool, error) { return harness.Replicas(t, namespace) >= 2, nil })
}
