package e2e

import (
	"context"
	"fmt"
	"maps"
	"math"
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
)

// specs is the configuration of these kubernetesMetricSpecs.
func specs(lines ...string) string {
	return "\nkubernetesMetricSpecs:\n  - " + strings.Join(lines, "\n  - ") + "\n"
}

// podHits is a spec of the metric hits of the pods.
const podHits = "{type: Pods, pods: {metric: {name: hits}, target: {type: AverageValue}}}"

// hits is a spec of the metric hits of an object.
func hits(apiVersion, kind, name, target string) string {
	return fmt.Sprintf("{type: Object, object: {describedObject: {apiVersion: %s, kind: %s, name: %s}, metric: {name: hits}, target: {type: %s}}}", apiVersion, kind, name, target)
}

// requests is a spec of the metric requests of the Deployment, by its labels.
func requests(selector string) string {
	return "{type: Object, object: {describedObject: {apiVersion: apps/v1, kind: Deployment, name: web}, metric: {name: requests, selector: " + selector + "}, target: {type: AverageValue}}}"
}

// jobs is a spec of the external metric jobs.
func jobs(selector, target string) string {
	return fmt.Sprintf("{type: External, external: {metric: {name: jobs, selector: %s}, target: {type: %s}}}", selector, target)
}

// clusterScoped stands for the namespace of a metric whose object has none. In the adapter's paths it leaves
// namespaces/.
const clusterScoped = ".."

func setObjectMetric(t *testing.T, namespace, resource, name, metric, value string) {
	t.Helper()
	setLabelledMetric(t, namespace, resource, name, metric, nil, value)
}

func setLabelledMetric(t *testing.T, namespace, resource, name, metric string, set labels.Set, value string) {
	t.Helper()
	if err := cluster.Start(t).SetObjectMetric(t.Context(), namespace, resource, name, metric, set, value); err != nil {
		t.Fatal(err)
	}
}

func setExternalMetric(t *testing.T, namespace, metric string, set labels.Set, value string) {
	t.Helper()
	if err := cluster.Start(t).SetExternalMetric(t.Context(), namespace, metric, set, value); err != nil {
		t.Fatal(err)
	}
}

// gathersJust waits until the metric method is given just these sources, as JSON: entries without their spec, replicas
// and times.
func (p *program) gathersJust(want ...string) {
	p.Helper()
	p.eventually("just these metrics: "+strings.Join(want, " "), func() (bool, error) {
		got := p.sources()
		return slices.Equal(got, want), fmt.Errorf("got %s", strings.Join(got, " "))
	})
}

func (p *program) sources() []string {
	p.Helper()
	text := p.read("metric.json")
	if text == "" {
		return nil
	}
	var sources []string
	entries, _ := decode(p.T, text)["kubernetesMetrics"].([]any) // not there where nothing was gathered
	for _, entry := range entries {
		source := entry.(map[string]any)
		delete(source, "spec")
		delete(source, "current_replicas")
		sources = append(sources, inJSON(timeless(source)))
	}
	return sources
}

// timeless removes times, and rounds what is simulated: cpu, which a pod has less than 1000 of, to hundreds.
func timeless(object map[string]any) map[string]any {
	maps.DeleteFunc(object, func(key string, _ any) bool { return strings.EqualFold(key, "timestamp") || key == "Window" })
	for key, value := range object {
		switch value := value.(type) {
		case map[string]any:
			timeless(value)
		case float64:
			if key == "Value" && value < 1000 {
				object[key] = math.Round(value/100) * 100
			}
		}
	}
	return object
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
	createDeploymentOf(t, namespace, func(template *corev1.PodTemplateSpec) {
		always := corev1.ContainerRestartPolicyAlways
		sidecar := container("sidecar", "30m", "4k")
		sidecar.RestartPolicy = &always
		template.Annotations["kwok.x-k8s.io/usage-memory"] = "1M"
		template.Spec.Containers = []corev1.Container{container("web", "200m", "2k"), container("helper", "50m", "3k")}
		template.Spec.InitContainers = []corev1.Container{container("set-up", "900m", "9k"), sidecar}
	})
	ready(t, namespace, 1)
	measured(t, namespace, "web", 1)
	spec := func(container, name, target string) string {
		return fmt.Sprintf("{type: ContainerResource, containerResource: {container: %s, name: %s, target: {type: %s}}}", container, name, target)
	}
	p := start(t, options{files: replies(1), config: base(namespace) + specs(
		"{type: Resource, resource: {name: memory, target: {type: Utilization}}}",
		spec("web", "memory", "Utilization"),
		spec("helper", "memory", "Utilization"),
		spec("helper", "memory", "AverageValue"),
		spec("web", "cpu", "Utilization"),
		spec("helper", "cpu", "Utilization"),
		spec("sidecar", "cpu", "Utilization"),
	)})
	pod := podsOf(t, namespace, "web")[0].Name
	entry := func(source, value, requests string) string {
		return fmt.Sprintf(`{%q:{"ignored_pods":{},"missing_pods":{},"pod_metrics_info":{%q:{"Value":%s}},"ready_pod_count":1,"requests":%s,"total_pods":1}}`,
			source, pod, value, requests)
	}
	ofPod := func(request int) string { return fmt.Sprintf("{%q:%d}", pod, request) }
	p.gathersJust(
		entry("resource", "2000000000", ofPod(9_000_000)),
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
	namespace := deploy(t, 1)
	createOddPods(t, namespace)
	pods := podsOf(t, namespace, "web")
	for _, pod := range pods {
		if pod.Name != "succeeded" {
			setObjectMetric(t, namespace, "pods", pod.Name, "hits", "7")
		}
	}
	web := pods[slices.IndexFunc(pods, func(pod corev1.Pod) bool { return strings.HasPrefix(pod.Name, "web") })].Name
	p := start(t, options{files: replies(1), config: base(namespace) + specs(podHits)})
	p.gathersJust(fmt.Sprintf(`{"pods":{"ignored_pods":{"pending":{}},"missing_pods":{},"pod_metrics_info":{%q:{"Value":7000}},"ready_pod_count":1,"total_pods":2}}`, web))
}

func TestObjectsAreInANamespaceOrNot(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 2)
	setObjectMetric(t, namespace, "deployments.apps", "web", "hits", "1500m")
	setObjectMetric(t, namespace, "services", "web", "hits", "2")
	setObjectMetric(t, clusterScoped, "nodes", "node-1", "hits", "3")
	setObjectMetric(t, clusterScoped, "namespace", namespace, "hits", "4") // not the plural: that has a path of its own
	p := start(t, options{files: replies(2), config: base(namespace) + specs(
		hits("apps/v1", "Deployment", "web", "Value"),
		hits("apps/v1", "Deployment", "web", "AverageValue"),
		hits("v1", "Service", "web", "Value"),
		hits("v1", "Node", "node-1", "AverageValue"),
		hits("v1", "Namespace", namespace, "AverageValue"),
	)})
	p.gathersJust(
		`{"object":{"current":{"value":1500},"ready_pod_count":2}}`,
		`{"object":{"current":{"average_value":1500}}}`,
		`{"object":{"current":{"value":2000},"ready_pod_count":2}}`,
		`{"object":{"current":{"average_value":3000}}}`,
		`{"object":{"current":{"average_value":4000}}}`,
	)
}

func TestSelectorsChooseSeries(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	setExternalMetric(t, namespace, "jobs", labels.Set{"queue": "worker_tasks"}, "1")
	setExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "2")
	setExternalMetric(t, namespace, "jobs", labels.Set{"queue": "images", "gpu": "yes"}, "4500m")
	setLabelledMetric(t, namespace, "deployments.apps", "web", "requests", labels.Set{"verb": "GET"}, "8")
	p := start(t, options{files: replies(1), config: base(namespace) + specs(
		jobs("{matchLabels: {queue: worker_tasks}}", "Value"),
		jobs("{matchExpressions: [{key: queue, operator: In, values: [worker_tasks, mail]}]}", "Value"),
		jobs("{matchExpressions: [{key: queue, operator: NotIn, values: [mail]}, {key: gpu, operator: DoesNotExist}]}", "Value"),
		jobs(`"queue=worker_tasks"`, "Value"),
		jobs(`"queue in (mail, images)"`, "AverageValue"),
		jobs("{}", "AverageValue"),
		requests("{matchLabels: {verb: GET}}"),
	)})
	p.gathersJust(
		`{"external":{"current":{"value":1000},"ready_pod_count":1}}`,
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
	namespace := deploy(t, 1)
	setExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "2")
	setLabelledMetric(t, namespace, "deployments.apps", "web", "requests", labels.Set{"verb": "GET"}, "8")
	p := start(t, options{config: base(namespace) + "requireKubernetesMetrics: true" + specs(
		jobs("{}", "Value"),
		"{type: Pods, pods: {metric: {name: packets-per-second}, target: {type: AverageValue}}}",
		hits("apps/v1", "Deployment", "web", "Value"),
		hits("apps/v1", "Deplyment", "web", "Value"),
		jobs("queue=images", "Value"),
		requests("verb=PUT"),
	)})
	p.logs("pass failed, nothing was scaled", "no user logic was run", "5 of 6 failed")
	reasons := strings.Split(p.lines("5 of 6 failed")[0], "kubernetesMetricSpecs[")[1:]
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
		if !containsAll(reason, want[i]) {
			t.Errorf("reason is %q, want one with %q", reason, want[i])
		}
	}
	if calls := p.read("calls"); calls != "" {
		t.Errorf("user logic was run without the metrics that it requires:\n%s", calls)
	}
}

// rightNeeded is how the log names a right that the autoscaler lacks.
var rightNeeded = regexp.MustCompile(`the verb \\"(\S+)\\" on resource \\"(\S+)\\" of API group \\"(\S+)\\"`)

// TestTheRightsForMetricsAreNamed does as the log says.
func TestTheRightsForMetricsAreNamed(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	setObjectMetric(t, namespace, "pods", podsOf(t, namespace, "web")[0].Name, "hits", "1")
	setObjectMetric(t, namespace, "deployments.apps", "web", "hits", "2")
	setObjectMetric(t, clusterScoped, "namespace", namespace, "hits", "3")
	setExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "4")
	example, err := os.ReadFile("../../examples/k8s-metrics-cpu/autoscaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, string(example), "apply", "-n", namespace, "-f", "-")
	p := start(t, options{
		files: replies(2), kube: serviceAccount(t, namespace, "web-autoscaler"),
		config: base(namespace) + "requireKubernetesMetrics: true" +
			specs(podHits, hits("apps/v1", "Deployment", "web", "Value"), hits("v1", "Namespace", namespace, "Value"), jobs("{}", "Value")),
	})
	p.logs("pass failed, nothing was scaled", "4 of 4 failed", "is forbidden")

	roles := client(t).RbacV1().Roles(namespace)
	role, err := roles.Get(t.Context(), "web-autoscaler", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range rightNeeded.FindAllStringSubmatch(p.log.String(), -1) {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{Verbs: right[1:2], Resources: right[2:3], APIGroups: right[3:4]})
	}
	if _, err := roles.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	scalesTo(t, namespace, 2)
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
			namespace := deploy(t, 1)
			row.set(t, false)
			p := start(t, options{files: replies(1), config: base(namespace) + specs(hits("apps/v1", "Deployment", "web", "Value"), jobs("{}", "Value"))})
			p.goesOnWithout(0, row.hint)
			p.noticesMetrics(namespace, row.set)

			mark := p.mark()
			row.set(t, false)
			p.goesOnWithout(mark, row.hint)
			p.noticesMetrics(namespace, row.set)
		})
	}
}

// TestAnOlderAdapterWillDo removes the newer version of custom metrics, which other tests read.
func TestAnOlderAdapterWillDo(t *testing.T) {
	namespace := deploy(t, 1)
	installAdapter(t, "v1beta2.custom.metrics.k8s.io")(t, false)
	setObjectMetric(t, namespace, "pods", podsOf(t, namespace, "web")[0].Name, "hits", "7")
	setObjectMetric(t, namespace, "deployments.apps", "web", "hits", "8")
	p := start(t, options{files: replies(1), config: base(namespace) + specs(podHits, hits("apps/v1", "Deployment", "web", "AverageValue"))})
	p.gathersJust(
		fmt.Sprintf(`{"pods":{"ignored_pods":null,"missing_pods":{},"pod_metrics_info":{%q:{"Value":7000}},"ready_pod_count":1,"total_pods":1}}`, podsOf(t, namespace, "web")[0].Name),
		`{"object":{"current":{"average_value":8000}}}`,
	)
}

// goesOnWithout waits until user logic is run without metrics, and checks that the log said why, once, behind the mark.
func (p *program) goesOnWithout(mark int, hint string) {
	p.Helper()
	p.logsAfter(mark, "level=WARN", "going on without some Kubernetes metrics", "2 of 2 failed", hint,
		"kubernetesMetricSpecs[0] (Object hits", "custom.metrics.k8s.io", "kubernetesMetricSpecs[1] (External jobs", "external.metrics.k8s.io")
	p.passes("evaluate", 5)
	p.gathersJust()
	if warnings := strings.Count(p.log.String()[mark:], "2 of 2 failed"); warnings != 1 {
		p.Errorf("want one warning that both are missing, got %d:\n%s", warnings, p.log.String()[mark:])
	}
}

// noticesMetrics brings the adapter back, and checks that the program sees its metrics within a minute.
func (p *program) noticesMetrics(namespace string, set func(t *testing.T, there bool)) {
	p.Helper()
	mark := p.mark()
	set(p.T, true)
	setObjectMetric(p.T, namespace, "deployments.apps", "web", "hits", "3")
	setExternalMetric(p.T, namespace, "jobs", labels.Set{"queue": "mail"}, "5")
	since := time.Now()
	p.gathersJust(
		`{"object":{"current":{"value":3000},"ready_pod_count":1}}`,
		`{"external":{"current":{"value":5000},"ready_pod_count":1}}`,
	)
	if took := time.Since(since); took > time.Minute {
		p.Errorf("metrics were noticed %s after they came, want a minute at most", took)
	}
	p.logsAfter(mark, "level=INFO", "all Kubernetes metrics are there")
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
		item := decode(t, kubectl(t, "", "get", "apiservice", api, "-o", "json"))
		delete(item["metadata"].(map[string]any), "resourceVersion") // of an object that is gone
		delete(item["metadata"].(map[string]any), "uid")
		items = append(items, item)
	}
	list := inJSON(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	create := func(t *testing.T) {
		kubectl(t, list, "apply", "-f", "-")
		kubectl(t, "", append([]string{"wait", "--for=condition=Available", "--timeout=" + patience.String(), "apiservice"}, apis...)...)
	}
	t.Cleanup(func() { create(t) })
	return func(t *testing.T, there bool) {
		if there {
			create(t)
			return
		}
		kubectl(t, "", append([]string{"delete", "apiservice"}, apis...)...)
	}
}

// TestASourceIsReadOnceInAPass: two specs ask for each of the sources here, but for one that two selectors share.
func TestASourceIsReadOnceInAPass(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	measured(t, namespace, "web", 1)
	setObjectMetric(t, namespace, "pods", podsOf(t, namespace, "web")[0].Name, "hits", "1")
	setObjectMetric(t, namespace, "deployments.apps", "web", "hits", "2")
	setExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "3")
	setExternalMetric(t, namespace, "jobs", labels.Set{"queue": "images"}, "4")
	proxy := startProxy(t)
	p := start(t, options{kube: proxy.kubeconfig, files: replies(1), config: base(namespace) + "requireKubernetesMetrics: true" + specs(
		"{type: Resource, resource: {name: cpu, target: {type: Utilization}}}",
		"{type: ContainerResource, containerResource: {container: web, name: memory, target: {type: AverageValue}}}",
		podHits, podHits,
		hits("apps/v1", "Deployment", "web", "Value"), hits("apps/v1", "Deployment", "web", "AverageValue"),
		jobs("{matchLabels: {queue: mail}}", "Value"), jobs("queue=mail", "AverageValue"),
		jobs("queue=images", "Value"),
	)})
	want := []string{
		"apis/custom.metrics.k8s.io/v1beta2/deployments.apps/web/hits",
		"apis/custom.metrics.k8s.io/v1beta2/pods/*/hits app=web",
		"apis/external.metrics.k8s.io/v1beta1/jobs queue=images",
		"apis/external.metrics.k8s.io/v1beta1/jobs queue=mail",
		"apis/metrics.k8s.io/v1beta1/pods app=web",
	}
	slices.Sort(want)
	p.eventually("a pass that reads just that", func() (bool, error) { // before it asks what the API serves, and watches the pods
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
func readsByPass(proxy *proxy, namespace string) [][]string {
	var passes [][]string
	for _, call := range proxy.noted() {
		path := strings.TrimPrefix(strings.Replace(call.path, "namespaces/"+namespace+"/", "", 1), "/")
		switch {
		case path == "apis/apps/v1/deployments/web/scale":
			passes = append(passes, nil)
		case len(passes) > 0 && !call.query.Has("watch") && !call.query.Has("resourceVersion"):
			last := &passes[len(passes)-1]
			*last = append(*last, strings.TrimSpace(path+" "+call.query.Get("labelSelector")))
		}
	}
	return passes
}

// TestSourcesAreReadAtTheSameTime: none is answered until all are asked.
func TestSourcesAreReadAtTheSameTime(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	measured(t, namespace, "web", 1)
	setObjectMetric(t, namespace, "deployments.apps", "web", "hits", "2")
	setExternalMetric(t, namespace, "jobs", labels.Set{"queue": "mail"}, "3")
	proxy := startProxy(t)
	var asked atomic.Int32
	all := make(chan struct{})
	proxy.answer(func(_ http.ResponseWriter, r *http.Request) bool {
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
	start(t, options{kube: proxy.kubeconfig, files: replies(2), config: base(namespace) + "requireKubernetesMetrics: true" + specs(
		"{type: Resource, resource: {name: memory, target: {type: AverageValue}}}",
		hits("apps/v1", "Deployment", "web", "Value"),
		jobs("{}", "Value"),
	)})
	scalesTo(t, namespace, 2)
}
