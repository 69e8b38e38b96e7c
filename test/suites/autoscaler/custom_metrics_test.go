package autoscaler

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// requests is a spec of the metric requests of the Deployment, by its labels.
func requests(selector string) string {
	return "{type: Object, object: {describedObject: {apiVersion: apps/v1, kind: Deployment, name: web}, metric: {name: requests, selector: " + selector + "}, target: {type: AverageValue}}}"
}

// clusterScoped stands for the namespace of a metric whose object has none. In the adapter's paths it leaves
// namespaces/.
const clusterScoped = ".."

// gathersJust waits until the metric method is given just these sources, as JSON: entries without their spec, replicas
// and times.
func gathersJust(p *harness.Program, want ...string) {
	p.Helper()
	p.Eventually("just these metrics: "+strings.Join(want, " "), func() (bool, error) {
		got := p.Sources()
		return slices.Equal(got, want), fmt.Errorf("got %s", strings.Join(got, " "))
	})
}

// TestOneContainerIsMeasuredAlone: in this cluster each container of a pod uses what the pod's annotations say, and the
// usage of init containers is not known.
func TestOneContainerIsMeasuredAlone(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	container := func(name, cpu, memory string) corev1.Container {
		return corev1.Container{Name: name, Image: name + ":1", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			"cpu": resource.MustParse(cpu), "memory": resource.MustParse(memory),
		}}}
	}
	harness.CreateDeploymentOf(t, namespace, func(template *corev1.PodTemplateSpec) {
		always := corev1.ContainerRestartPolicyAlways
		sidecar := container("sidecar", "30m", "4k")
		sidecar.RestartPolicy = &always
		template.Annotations["kwok.x-k8s.io/usage-memory"] = "1M"
		template.Spec.Containers = []corev1.Container{container("web", "200m", "2k"), container("helper", "50m", "3k")}
		template.Spec.InitContainers = []corev1.Container{container("set-up", "900m", "9k"), sidecar}
	})
	harness.PodsAreReady(t, namespace, 1)
	harness.PodsAreMeasured(t, namespace, "web", 1)
	spec := func(container, name, target string) string {
		return fmt.Sprintf("{type: ContainerResource, containerResource: {container: %s, name: %s, target: {type: %s}}}", container, name, target)
	}
	p := harness.Start(t, harness.Options{Files: harness.Replies(1), Config: harness.BaseConfig(namespace) + harness.MetricSpecs(
		"{type: Resource, resource: {name: memory, target: {type: Utilization}}}",
		spec("web", "memory", "Utilization"),
		spec("helper", "memory", "Utilization"),
		spec("helper", "memory", "AverageValue"),
		spec("web", "cpu", "Utilization"),
		spec("helper", "cpu", "Utilization"),
		spec("sidecar", "cpu", "Utilization"),
	)})
	pod := harness.PodsOf(t, namespace, "web")[0].Name
	entry := func(source, value, requests string) string {
		return fmt.Sprintf(`{%q:{"ignored_pods":{},"missing_pods":{},"pod_metrics_info":{%q:{"Value":%s}},"ready_pod_count":1,"requests":%s,"total_pods":1}}`,
			source, pod, value, requests)
	}
	ofPod := func(request int) string { return fmt.Sprintf("{%q:%d}", pod, request) }
	gathersJust(p, entry("resource", "2000000000", ofPod(9_000_000)),
		entry("container_resource", "1000000000", ofPod(2_000_000)),
		entry("container_resource", "1000000000", ofPod(3_000_000)),
		entry("container_resource", "1000000000", "null"),
		entry("container_resource", "100", ofPod(200)),
		entry("container_resource", "100", ofPod(50)),
		fmt.Sprintf(`{"container_resource":{"ignored_pods":{},"missing_pods":{%q:{}},"pod_metrics_info":{},"ready_pod_count":0,"requests":{%[1]q:30},"total_pods":1}}`, pod),
	)
}

// TestAPodsMetricCountsThePodsThatCount: a pod that failed, succeeded or is being deleted does not, and the metric of one that is
// pending is left out.
func TestAPodsMetricCountsThePodsThatCount(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	createOddPods(t, namespace)
	pods := harness.PodsOf(t, namespace, "web")
	for _, pod := range pods {
		if pod.Name != "succeeded" {
			harness.SetObjectMetric(t, namespace, "pods", pod.Name, "hits", "7")
		}
	}
	web := pods[slices.IndexFunc(pods, func(pod corev1.Pod) bool { return strings.HasPrefix(pod.Name, "web") })].Name
	p := harness.Start(t, harness.Options{Files: harness.Replies(1), Config: harness.BaseConfig(namespace) + harness.MetricSpecs(harness.PodHits)})
	gathersJust(p, fmt.Sprintf(`{"pods":{"ignored_pods":{"pending":{}},"missing_pods":{},"pod_metrics_info":{%q:{"Value":7000}},"ready_pod_count":1,"total_pods":2}}`, web))
}

func TestObjectsAreInANamespaceOrNot(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	harness.SetObjectMetric(t, namespace, "deployments.apps", "web", "hits", "1500m")
	harness.SetObjectMetric(t, namespace, "services", "web", "hits", "2")
	harness.SetObjectMetric(t, clusterScoped, "nodes", "node-1", "hits", "3")
	harness.SetObjectMetric(t, clusterScoped, "namespace", namespace, "hits", "4") // not the plural: that has a path of its own
	p := harness.Start(t, harness.Options{Files: harness.Replies(2), Config: harness.BaseConfig(namespace) + harness.MetricSpecs(
		harness.Hits("apps/v1", "Deployment", "web", "Value"),
		harness.Hits("apps/v1", "Deployment", "web", "AverageValue"),
		harness.Hits("v1", "Service", "web", "Value"),
		harness.Hits("v1", "Node", "node-1", "AverageValue"),
		harness.Hits("v1", "Namespace", namespace, "AverageValue"),
	)})
	gathersJust(p, `{"object":{"current":{"value":1500},"ready_pod_count":2}}`,
		`{"object":{"current":{"average_value":1500}}}`,
		`{"object":{"current":{"value":2000},"ready_pod_count":2}}`,
		`{"object":{"current":{"average_value":3000}}}`,
		`{"object":{"current":{"average_value":4000}}}`,
	)
}

func TestSelectorsChooseSeries(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.SetExternalMetric(t, namespace, "jobs", labels.Set{"queue": "worker_tasks"}, "1")
	harness.SetExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "2")
	harness.SetExternalMetric(t, namespace, "jobs", labels.Set{"queue": "images", "gpu": "yes"}, "4500m")
	harness.SetLabelledMetric(t, namespace, "deployments.apps", "web", "requests", labels.Set{"verb": "GET"}, "8")
	p := harness.Start(t, harness.Options{Files: harness.Replies(1), Config: harness.BaseConfig(namespace) + harness.MetricSpecs(
		harness.Jobs("{matchLabels: {queue: worker_tasks}}", "Value"),
		harness.Jobs("{matchExpressions: [{key: queue, operator: In, values: [worker_tasks, mail]}]}", "Value"),
		harness.Jobs("{matchExpressions: [{key: queue, operator: NotIn, values: [mail]}, {key: gpu, operator: DoesNotExist}]}", "Value"),
		harness.Jobs(`"queue=worker_tasks"`, "Value"),
		harness.Jobs(`"queue in (mail, images)"`, "AverageValue"),
		harness.Jobs("{}", "AverageValue"),
		requests("{matchLabels: {verb: GET}}"),
	)})
	gathersJust(p, `{"external":{"current":{"value":1000},"ready_pod_count":1}}`,
		`{"external":{"current":{"value":3000},"ready_pod_count":1}}`,
		`{"external":{"current":{"value":1000},"ready_pod_count":1}}`,
		`{"external":{"current":{"value":1000},"ready_pod_count":1}}`,
		`{"external":{"current":{"average_value":6500}}}`,
		`{"external":{"current":{"average_value":7500}}}`,
		`{"object":{"current":{"average_value":8000}}}`,
	)
}

func TestMissingMetricsAreNamed(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.SetExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "2")
	harness.SetLabelledMetric(t, namespace, "deployments.apps", "web", "requests", labels.Set{"verb": "GET"}, "8")
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "requireKubernetesMetrics: true" + harness.MetricSpecs(
		harness.Jobs("{}", "Value"),
		"{type: Pods, pods: {metric: {name: packets-per-second}, target: {type: AverageValue}}}",
		harness.Hits("apps/v1", "Deployment", "web", "Value"),
		harness.Hits("apps/v1", "Deplyment", "web", "Value"),
		harness.Jobs("queue=images", "Value"),
		requests("verb=PUT"),
	)})
	p.Logs("pass failed, nothing was scaled", "no user logic was run", "5 of 6 failed")
	line, setting, _ := strings.Cut(p.Lines("5 of 6 failed")[0], " reason=")
	reasons := strings.Split(line, "kubernetesMetricSpecs[")[1:]
	if !strings.Contains(setting, "setting=kubernetesMetricSpecs[1]") {
		t.Errorf("the setting behind the first of them is not named: %s", setting)
	}
	want := [][]string{
		{"1] (Pods packets-per-second): ", "custom.metrics.k8s.io", "adapter"},
		{"2] (Object hits", "custom.metrics.k8s.io", "adapter"},
		{"3] (Object hits", `no kind \"Deplyment\" in apps (v1)`, "describedObject"},
		{"4] (External jobs): ", "external.metrics.k8s.io", "queue=images"},
		{"5] (Object requests", "custom.metrics.k8s.io", "verb=PUT", "labels"},
	}
	if len(reasons) != len(want) {
		t.Fatalf("want a reason for each of %d specs, got %q", len(want), reasons)
	}
	for i, reason := range reasons {
		if !harness.ContainsAll(reason, want[i]) {
			t.Errorf("reason is %q, want one with %q", reason, want[i])
		}
	}
	if calls := p.Read("calls"); calls != "" {
		t.Errorf("user logic was run without the metrics that it requires:\n%s", calls)
	}
}

// rightNeeded is how the log names a right that the autoscaler lacks.
var rightNeeded = regexp.MustCompile(`the verb \\"(\S+)\\" on resource \\"(\S+)\\" of API group \\"(\S+)\\"`)

// TestTheRightsForMetricsAreNamed does as the log says.
func TestTheRightsForMetricsAreNamed(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.SetObjectMetric(t, namespace, "pods", harness.PodsOf(t, namespace, "web")[0].Name, "hits", "1")
	harness.SetObjectMetric(t, namespace, "deployments.apps", "web", "hits", "2")
	harness.SetObjectMetric(t, clusterScoped, "namespace", namespace, "hits", "3")
	harness.SetExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "4")
	example, err := os.ReadFile(harness.Root + "/examples/k8s-metrics-cpu/autoscaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	harness.Kubectl(t, string(example), "apply", "-n", namespace, "-f", "-")
	p := harness.Start(t, harness.Options{
		Files: harness.Replies(2), Kube: harness.ServiceAccount(t, namespace, "web-autoscaler"),
		Config: harness.BaseConfig(namespace) + "requireKubernetesMetrics: true" +
			harness.MetricSpecs(harness.PodHits, harness.Hits("apps/v1", "Deployment", "web", "Value"), harness.Hits("v1", "Namespace", namespace, "Value"), harness.Jobs("{}", "Value")),
	})
	p.Logs("pass failed, nothing was scaled", "4 of 4 failed", "is forbidden")

	roles := harness.Client(t).RbacV1().Roles(namespace)
	role, err := roles.Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range rightNeeded.FindAllStringSubmatch(p.Printed.String(), -1) {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{Verbs: right[1:2], Resources: right[2:3], APIGroups: right[3:4]})
	}
	if _, err := roles.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.ScalesTo(t, namespace, 2)
}

// TestTheAdapterComesAndGoes takes the adapter away, so that it must not run next to tests that need it.
func TestTheAdapterComesAndGoes(t *testing.T) {
	for _, row := range []struct {
		name, hint string
		set        func(t *testing.T, there bool)
	}{
		{"not running", "is it running?", runAdapter},
		{"not installed", "installed?", installAdapter(t, "v1beta1.external.metrics.k8s.io", "v1beta1.custom.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io")},
	} {
		t.Run(row.name, func(t *testing.T) {
			namespace := harness.Deploy(t, 1)
			row.set(t, false)
			p := harness.Start(t, harness.Options{Files: harness.Replies(1), Config: harness.BaseConfig(namespace) + harness.MetricSpecs(harness.Hits("apps/v1", "Deployment", "web", "Value"), harness.Jobs("{}", "Value"))})
			goesOnWithout(p, 0, row.hint)
			noticesMetrics(p, namespace, row.set)

			mark := p.Mark()
			row.set(t, false)
			goesOnWithout(p, mark, row.hint)
			noticesMetrics(p, namespace, row.set)
		})
	}
}

// TestAnOlderAdapterWillDo removes the newer version of custom metrics, which other tests read.
func TestAnOlderAdapterWillDo(t *testing.T) {
	namespace := harness.Deploy(t, 1)
	installAdapter(t, "v1beta2.custom.metrics.k8s.io")(t, false)
	harness.SetObjectMetric(t, namespace, "pods", harness.PodsOf(t, namespace, "web")[0].Name, "hits", "7")
	harness.SetObjectMetric(t, namespace, "deployments.apps", "web", "hits", "8")
	p := harness.Start(t, harness.Options{Files: harness.Replies(1), Config: harness.BaseConfig(namespace) + harness.MetricSpecs(harness.PodHits, harness.Hits("apps/v1", "Deployment", "web", "AverageValue"))})
	gathersJust(p, fmt.Sprintf(`{"pods":{"ignored_pods":null,"missing_pods":{},"pod_metrics_info":{%q:{"Value":7000}},"ready_pod_count":1,"total_pods":1}}`, harness.PodsOf(t, namespace, "web")[0].Name),
		`{"object":{"current":{"average_value":8000}}}`,
	)
}

// goesOnWithout waits until user logic is run without metrics, and checks that the log said why, once, behind the mark.
func goesOnWithout(p *harness.Program, mark int, hint string) {
	p.Helper()
	p.LogsAfter(mark, "level=WARN", "going on without some Kubernetes metrics", "2 of 2 failed", hint,
		"kubernetesMetricSpecs[0] (Object hits", "custom.metrics.k8s.io", "kubernetesMetricSpecs[1] (External jobs", "external.metrics.k8s.io")
	p.Passes("evaluate", 5)
	gathersJust(p)
	if warnings := strings.Count(p.Printed.String()[mark:], "2 of 2 failed"); warnings != 1 {
		p.Errorf("want one warning that both are missing, got %d:\n%s", warnings, p.Printed.String()[mark:])
	}
}

// noticesMetrics brings the adapter back, and checks that the program sees its metrics within a minute.
func noticesMetrics(p *harness.Program, namespace string, set func(t *testing.T, there bool)) {
	p.Helper()
	mark := p.Mark()
	set(p.T, true)
	harness.SetObjectMetric(p.T, namespace, "deployments.apps", "web", "hits", "3")
	harness.SetExternalMetric(p.T, namespace, "jobs", labels.Set{"queue": "mail"}, "5")
	since := time.Now()
	gathersJust(p, `{"object":{"current":{"value":3000},"ready_pod_count":1}}`,
		`{"external":{"current":{"value":5000},"ready_pod_count":1}}`,
	)
	if took := time.Since(since); took > time.Minute {
		p.Errorf("metrics were noticed %s after they came, want a minute at most", took)
	}
	p.LogsAfter(mark, "level=INFO", "all Kubernetes metrics are there")
}

// runAdapter starts the test adapter, or stops it, so that it forgets its values; it runs again when the test ends.
func runAdapter(t *testing.T, runs bool) {
	t.Helper()
	c := cluster.Start(t)
	if runs {
		if err := c.StartComponent(t.Context(), "test-adapter"); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := c.StopComponent(t.Context(), "test-adapter"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.StartComponent(context.Background(), "test-adapter") }) // an error where it runs
}

// installAdapter gives a function that removes registrations of the test adapter, one after the other, or creates them
// again; they are there again when the test ends.
func installAdapter(t *testing.T, apis ...string) func(t *testing.T, there bool) {
	t.Helper()
	var items []any
	for _, api := range apis {
		item := harness.DecodeJSON(t, harness.Kubectl(t, "", "get", "apiservice", api, "-o", "json"))
		delete(item["metadata"].(map[string]any), "resourceVersion") // of an object that is gone
		delete(item["metadata"].(map[string]any), "uid")
		items = append(items, item)
	}
	list := harness.InJSON(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	create := func(t *testing.T) {
		harness.Kubectl(t, list, "apply", "-f", "-")
		harness.Kubectl(t, "", append([]string{"wait", "--for=condition=Available", "--timeout=" + harness.Patience.String(), "apiservice"}, apis...)...)
	}
	t.Cleanup(func() { create(t) })
	return func(t *testing.T, there bool) {
		if there {
			create(t)
			return
		}
		harness.Kubectl(t, "", append([]string{"delete", "apiservice"}, apis...)...)
	}
}

// TestASourceIsReadOnceInAPass: two specs ask for each of the sources here, but for one that two selectors share.
func TestASourceIsReadOnceInAPass(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.PodsAreMeasured(t, namespace, "web", 1)
	harness.SetObjectMetric(t, namespace, "pods", harness.PodsOf(t, namespace, "web")[0].Name, "hits", "1")
	harness.SetObjectMetric(t, namespace, "deployments.apps", "web", "hits", "2")
	harness.SetExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "3")
	harness.SetExternalMetric(t, namespace, "jobs", labels.Set{"queue": "images"}, "4")
	proxy := harness.StartProxy(t)
	p := harness.Start(t, harness.Options{Kube: proxy.Kubeconfig, Files: harness.Replies(1), Config: harness.BaseConfig(namespace) + "requireKubernetesMetrics: true" + harness.MetricSpecs(
		"{type: Resource, resource: {name: cpu, target: {type: Utilization}}}",
		"{type: ContainerResource, containerResource: {container: web, name: memory, target: {type: AverageValue}}}",
		harness.PodHits, harness.PodHits,
		harness.Hits("apps/v1", "Deployment", "web", "Value"), harness.Hits("apps/v1", "Deployment", "web", "AverageValue"),
		harness.Jobs("{matchLabels: {queue: mail}}", "Value"), harness.Jobs("queue=mail", "AverageValue"),
		harness.Jobs("queue=images", "Value"),
	)})
	want := []string{
		"apis/custom.metrics.k8s.io/v1beta2/deployments.apps/web/hits",
		"apis/custom.metrics.k8s.io/v1beta2/pods/*/hits app=web",
		"apis/external.metrics.k8s.io/v1beta1/jobs queue=images",
		"apis/external.metrics.k8s.io/v1beta1/jobs queue=mail",
		"apis/metrics.k8s.io/v1beta1/pods app=web",
	}
	slices.Sort(want)
	p.Eventually("a pass that reads just that", func() (bool, error) { // before it asks what the API serves, and watches the pods
		passes := readsByPass(proxy, namespace)
		if len(passes) < 3 {
			return false, nil
		}
		last := passes[len(passes)-2] // the last one may be under way
		slices.Sort(last)
		return slices.Equal(last, want), fmt.Errorf("it reads\n%s", strings.Join(last, "\n"))
	})
}

// readsByPass gives what each pass read after the target, with which it begins.
func readsByPass(proxy *harness.Proxy, namespace string) [][]string {
	var passes [][]string
	for _, call := range proxy.Noted() {
		path := strings.TrimPrefix(strings.Replace(call.Path, "namespaces/"+namespace+"/", "", 1), "/")
		switch {
		case path == "apis/apps/v1/deployments/web/scale":
			passes = append(passes, nil)
		case len(passes) > 0 && !call.Query.Has("watch") && !call.Query.Has("resourceVersion"):
			last := &passes[len(passes)-1]
			*last = append(*last, strings.TrimSpace(path+" "+call.Query.Get("labelSelector")))
		}
	}
	return passes
}

// TestSourcesAreReadAtTheSameTime: none is answered until all are asked.
func TestSourcesAreReadAtTheSameTime(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	harness.PodsAreMeasured(t, namespace, "web", 1)
	harness.SetObjectMetric(t, namespace, "deployments.apps", "web", "hits", "2")
	harness.SetExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "3")
	proxy := harness.StartProxy(t)
	var asked atomic.Int32
	all := make(chan struct{})
	proxy.Answer(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "metrics.k8s.io/") && strings.Contains(r.URL.Path, "/namespaces/") {
			if asked.Add(1) == 3 {
				close(all)
			}
			select {
			case <-all:
			case <-r.Context().Done():
			}
		}
		return false
	})
	harness.Start(t, harness.Options{Kube: proxy.Kubeconfig, Files: harness.Replies(2), Config: harness.BaseConfig(namespace) + "requireKubernetesMetrics: true" + harness.MetricSpecs(
		"{type: Resource, resource: {name: memory, target: {type: AverageValue}}}",
		harness.Hits("apps/v1", "Deployment", "web", "Value"),
		harness.Jobs("{}", "Value"),
	)})
	harness.ScalesTo(t, namespace, 2)
}
