package metricsapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// served is an API by path and query. The real ones are read end to end; here they are brought into states that a
// real one is seldom in, and what is asked of them is counted.
type served struct {
	answers map[string]string // JSON; what is not there is 404
	mutex   sync.Mutex
	asked   []string
}

func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query, _ := url.QueryUnescape(r.URL.RawQuery)
	call := strings.TrimSuffix(r.URL.Path+"?"+query, "?")
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.asked = append(s.asked, call)
	w.Header().Set("Content-Type", "application/json")
	answer, ok := s.answers[call]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		answer = `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not here"}`
	}
	_, _ = io.WriteString(w, answer)
}

const (
	custom     = "/apis/custom.metrics.k8s.io"
	external   = "/apis/external.metrics.k8s.io"
	resources  = "/apis/metrics.k8s.io"
	networking = "/apis/networking.k8s.io/v1"
)

// adapters serve both metrics APIs, in their newest versions.
func adapters() map[string]string {
	return map[string]string{
		custom:                    `{"versions": [{"version": "v1beta1"}, {"version": "v1beta2"}]}`,
		external:                  `{"versions": [{"version": "v1beta1"}]}`,
		"/apis/networking.k8s.io": `{"versions": [{"version": "v1"}]}`,
		networking: `{"resources": [{"name": "ingresses/status", "kind": "Ingress", "namespaced": true},
			{"name": "ingresses", "kind": "Ingress", "namespaced": true}, {"name": "ingressclasses", "kind": "IngressClass"}]}`,
	}
}

const at = `"timestamp": "2026-01-01T11:59:50Z"`

func customValues(version string, values ...string) string {
	return fmt.Sprintf(`{"kind": "MetricValueList", "apiVersion": "custom.metrics.k8s.io/%s", "items": [%s]}`, version, strings.Join(values, ","))
}

func externalValues(values ...string) string {
	return fmt.Sprintf(`{"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "items": [%s]}`, strings.Join(values, ","))
}

// sourcesOf are those of specs written as in a configuration, which read an API.
func sourcesOf(t *testing.T, api *served, specs string) metrics.Sources {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	client, err := kube.New(&rest.Config{Host: server.URL}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var parsed []autoscalingv2.MetricSpec
	if err := yaml.UnmarshalStrict([]byte(specs), &parsed); err != nil {
		t.Fatal(err)
	}
	return kubernetes.Sources(parsed, New(client), kubernetes.StartUpRules{})
}

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// running is a pod that has been ready for an hour.
func running(name string) corev1.Pod {
	start := metav1.NewTime(now.Add(-time.Hour))
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &start, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: start}},
	}}
}

func with(pod corev1.Pod, change func(*corev1.Pod)) corev1.Pod {
	change(&pod)
	return pod
}

func requesting(cpu string) []corev1.Container {
	container := corev1.Container{Name: "web"}
	if cpu != "" {
		container.Resources.Requests = corev1.ResourceList{"cpu": resource.MustParse(cpu)}
	}
	return []corev1.Container{container}
}

// finished is a pod that has succeeded, as of a job or a test, which requested nothing.
func finished(name string) corev1.Pod {
	return with(running(name), func(p *corev1.Pod) {
		p.Status.Phase, p.Spec.Containers = corev1.PodSucceeded, requesting("")
	})
}

func requests500m(name string) corev1.Pod {
	return with(running(name), func(p *corev1.Pod) { p.Spec.Containers = requesting("500m") })
}

func shop(pods ...corev1.Pod) workload.Snapshot {
	selector, _ := labels.Parse("app=web")
	return workload.Snapshot{Namespace: "shop", Replicas: 2, Selector: selector, Pods: workload.PodsOf(pods)}
}

var atZero = func() workload.Snapshot { s := shop(); s.Replicas = 0; return s }()

var withoutSelector = func() workload.Snapshot { s := shop(); s.Selector = nil; return s }()

var twoPods = shop(running("a"), running("b"))

// entry is the one metric that was gathered, without its spec, as JSON.
func entry(t *testing.T, gathered []metrics.Metric, err error) string {
	t.Helper()
	if err != nil || len(gathered) != 1 {
		t.Fatalf("got %d metrics, %v", len(gathered), err)
	}
	text, err := json.Marshal(gathered[0].Document())
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	delete(document, "spec")
	delete(document, "current_replicas")
	text, _ = json.Marshal(document)
	return string(text)
}

func TestGather(t *testing.T) {
	const (
		timestamp = `"timestamp":"2026-01-01T11:59:50Z"`
		objects   = custom + "/v1beta2/namespaces/shop"
	)
	for _, row := range []struct {
		name, spec, call, answer string
		snapshot                 workload.Snapshot
		want                     string
	}{
		{"a metric of each pod", `{type: Pods, pods: {metric: {name: rate}, target: {type: AverageValue}}}`,
			objects + "/pods/*/rate?labelSelector=app=web&metricLabelSelector=",
			customValues("v1beta2", `{"describedObject": {"name": "a"}, `+at+`, "windowSeconds": 30, "value": "1500m"}`), twoPods,
			`{"pods":{"ignored_pods":null,"missing_pods":{"b":{}},"pod_metrics_info":{"a":{"Timestamp":"2026-01-01T11:59:50Z","Value":1500,"Window":30000000000}},` +
				`"ready_pod_count":1,` + timestamp + `,"total_pods":2}}`},
		{"a pod's window is a minute where nobody says", `{type: Pods, pods: {metric: {name: rate, selector: {matchLabels: {verb: GET}}}, target: {type: AverageValue}}}`,
			objects + "/pods/*/rate?labelSelector=app=web&metricLabelSelector=verb=GET",
			customValues("v1beta2", `{"describedObject": {"name": "a"}, `+at+`, "value": "7"}`), shop(running("a"), with(running("p"), func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending })),
			`{"pods":{"ignored_pods":{"p":{}},"missing_pods":{},"pod_metrics_info":{"a":{"Timestamp":"2026-01-01T11:59:50Z","Value":7000,"Window":60000000000}},` +
				`"ready_pod_count":1,` + timestamp + `,"total_pods":2}}`},
		{"a value of an object", `{type: Object, object: {describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main}, metric: {name: rate}, target: {type: Value}}}`,
			objects + "/ingresses.networking.k8s.io/main/rate?metricLabelSelector=", customValues("v1beta2", `{`+at+`, "value": "120"}`), twoPods,
			`{"object":{"current":{"value":120000},"ready_pod_count":2,` + timestamp + `}}`},
		{"an object of a kind in another case, and of a version that is not served", `{type: Object, object: {describedObject: {apiVersion: networking.k8s.io/v1beta1, kind: ingress, name: main}, metric: {name: rate}, target: {type: Value}}}`,
			objects + "/ingresses.networking.k8s.io/main/rate?metricLabelSelector=", customValues("v1beta2", `{`+at+`, "value": "120"}`), twoPods,
			`{"object":{"current":{"value":120000},"ready_pod_count":2,` + timestamp + `}}`},
		{"an average of an object is its whole value", `{type: Object, object: {describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main}, metric: {name: rate}, target: {type: AverageValue}}}`,
			objects + "/ingresses.networking.k8s.io/main/rate?metricLabelSelector=", customValues("v1beta2", `{`+at+`, "value": "120"}`), twoPods,
			`{"object":{"current":{"average_value":120000},` + timestamp + `}}`},
		{"an object outside of namespaces", `{type: Object, object: {describedObject: {apiVersion: networking.k8s.io/v1, kind: IngressClass, name: main}, metric: {name: rate}, target: {type: AverageValue}}}`,
			custom + "/v1beta2/ingressclasses.networking.k8s.io/main/rate?metricLabelSelector=", customValues("v1beta2", `{`+at+`, "value": "1"}`), twoPods,
			`{"object":{"current":{"average_value":1000},` + timestamp + `}}`},
		{"a namespace is the target's own", `{type: Object, object: {describedObject: {apiVersion: v1, kind: namespace, name: other}, metric: {name: rate}, target: {type: AverageValue}}}`,
			objects + "/metrics/rate?metricLabelSelector=", customValues("v1beta2", `{`+at+`, "value": "1"}`), twoPods,
			`{"object":{"current":{"average_value":1000},` + timestamp + `}}`},
		{"external values are summed", `{type: External, external: {metric: {name: queue}, target: {type: AverageValue}}}`,
			external + "/v1beta1/namespaces/shop/queue?labelSelector=", externalValues(`{`+at+`, "value": "42"}`, `{"timestamp": "2026-01-01T11:00:00Z", "value": "43"}`), twoPods,
			`{"external":{"current":{"average_value":85000},` + timestamp + `}}`},
		{"an external name with capitals is asked for in lower case, as clients of Kubernetes do", `{type: External, external: {metric: {name: Queue.Length}, target: {type: AverageValue}}}`,
			external + "/v1beta1/namespaces/shop/queue.length?labelSelector=", externalValues(`{` + at + `, "value": "42"}`), twoPods,
			`{"external":{"current":{"average_value":42000},` + timestamp + `}}`},
		{"external values are selected", `{type: External, external: {metric: {name: queue, selector: {matchExpressions: [{key: queue, operator: In, values: [a, b]}]}}, target: {type: Value}}}`,
			external + "/v1beta1/namespaces/shop/queue?labelSelector=queue in (a,b)", externalValues(`{` + at + `, "value": "-3"}`), twoPods,
			`{"external":{"current":{"value":-3000},"ready_pod_count":2,` + timestamp + `}}`},
		{"an external metric of a target at zero", `{type: External, external: {metric: {name: queue}, target: {type: Value}}}`,
			external + "/v1beta1/namespaces/shop/queue?labelSelector=", externalValues(`{` + at + `, "value": "1"}`), atZero,
			`{"external":{"current":{"value":1000},"ready_pod_count":0,` + timestamp + `}}`},
		{"a sum that is less than there are numbers", `{type: External, external: {metric: {name: queue}, target: {type: AverageValue}}}`,
			external + "/v1beta1/namespaces/shop/queue?labelSelector=", externalValues(`{`+at+`, "value": "-9P"}`, `{`+at+`, "value": "-9P"}`), twoPods,
			`{"external":{"current":{"average_value":-9223372036854775808},` + timestamp + `}}`},
		{"a finished pod is none of the metric's", `{type: Pods, pods: {metric: {name: rate}, target: {type: AverageValue}}}`,
			objects + "/pods/*/rate?labelSelector=app=web&metricLabelSelector=",
			customValues("v1beta2", `{"describedObject": {"name": "a"}, `+at+`, "value": "7"}`, `{"describedObject": {"name": "job"}, `+at+`, "value": "9"}`), shop(running("a"), finished("job"), finished("smoke-test")),
			`{"pods":{"ignored_pods":null,"missing_pods":{},"pod_metrics_info":{"a":{"Timestamp":"2026-01-01T11:59:50Z","Value":7000,"Window":60000000000}},` +
				`"ready_pod_count":1,` + timestamp + `,"total_pods":1}}`},
		{"a finished pod shares no value", `{type: External, external: {metric: {name: queue}, target: {type: Value}}}`,
			external + "/v1beta1/namespaces/shop/queue?labelSelector=", externalValues(`{` + at + `, "value": "3"}`), shop(running("a"), finished("job")),
			`{"external":{"current":{"value":3000},"ready_pod_count":1,` + timestamp + `}}`},
		{"a finished pod without requests does not matter", `{type: Resource, resource: {name: cpu, target: {type: Utilization}}}`,
			"/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?labelSelector=app=web", `{"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "items": [{"metadata": {"name": "a"}, ` + at + `, "window": "30s", "containers": [{"name": "web", "usage": {"cpu": "250m"}}]}]}`,
			shop(requests500m("a"), finished("job")),
			`{"resource":{"ignored_pods":{},"missing_pods":{},"pod_metrics_info":{"a":{"Timestamp":"2026-01-01T11:59:50Z","Value":250,"Window":30000000000}},` +
				`"ready_pod_count":1,"requests":{"a":500},` + timestamp + `,"total_pods":1}}`},
		{"a sum that is more than there are numbers", `{type: External, external: {metric: {name: queue}, target: {type: AverageValue}}}`,
			external + "/v1beta1/namespaces/shop/queue?labelSelector=", externalValues(`{`+at+`, "value": "9E"}`, `{`+at+`, "value": "9E"}`), twoPods,
			`{"external":{"current":{"average_value":9223372036854775807},` + timestamp + `}}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			api := &served{answers: adapters()}
			api.answers[resources] = `{"versions": [{"version": "v1beta1"}]}`
			api.answers[row.call] = row.answer
			gathered, err := sourcesOf(t, api, "["+row.spec+"]").Gather(t.Context(), row.snapshot.Scene(now))
			if got, want := entry(t, gathered, err), normal(t, row.want); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

// normal reads and writes JSON, so that numbers of 64 bits look as they do after one.
func normal(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	written, _ := json.Marshal(value)
	return string(written)
}

func TestGatherSaysWhatIsWrong(t *testing.T) {
	without := func(path string) map[string]string {
		answers := adapters()
		delete(answers, path)
		return answers
	}
	const (
		pods     = `{type: Pods, pods: {metric: {name: rate}, target: {type: AverageValue}}}`
		queue    = `{type: External, external: {metric: {name: queue}, target: {type: Value}}}`
		cpu      = `{type: Resource, resource: {name: cpu, target: {type: Utilization}}}`
		ingress  = `{type: Object, object: {describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main}, metric: {name: rate}, target: {type: Value}}}`
		cpuOfWeb = `{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization}}}`
	)
	for _, row := range []struct {
		name, spec string
		answers    map[string]string
		snapshot   workload.Snapshot
		want       []string
	}{
		{"nobody serves resource metrics", cpu, adapters(), twoPods, []string{"kubernetesMetricSpecs[0] (Resource cpu)", "the API does not serve metrics.k8s.io: is metrics-server installed?"}},
		{"nobody serves them of containers either", cpuOfWeb, adapters(), twoPods, []string{`kubernetesMetricSpecs[0] (ContainerResource cpu of container "web")`, "is metrics-server installed?"}},
		{"nobody serves custom metrics", pods, without(custom), twoPods, []string{"kubernetesMetricSpecs[0] (Pods rate)", "is an adapter for custom metrics, such as prometheus-adapter installed?"}},
		{"nobody serves external metrics", queue, without(external), twoPods, []string{"kubernetesMetricSpecs[0] (External queue)", "the API does not serve external.metrics.k8s.io"}},
		{"only a version that we do not know", pods, map[string]string{custom: `{"versions": [{"version": "v9"}]}`}, twoPods, []string{"in no version that this autoscaler knows: v1beta2, v1beta1"}},
		{"the adapter does not know the metric", pods, adapters(), twoPods, []string{`reading pods.custom.metrics.k8s.io/rate "*"`, "not here: does the adapter know this metric", "kubectl get --raw /apis/custom.metrics.k8s.io/v1beta2"}},
		{"an external metric without values", queue, map[string]string{external: adapters()[external], external + "/v1beta1/namespaces/shop/queue?labelSelector=": externalValues()}, twoPods,
			[]string{`external.metrics.k8s.io/v1beta1 has no values of "queue" with the labels ""`}},
		{"a custom metric without values", pods, map[string]string{custom: adapters()[custom],
			custom + "/v1beta2/namespaces/shop/pods/*/rate?labelSelector=app=web&metricLabelSelector=": customValues("v1beta2")}, twoPods, []string{"custom.metrics.k8s.io/v1beta2 has no values of"}},
		{"a kind that is not served", `{type: Object, object: {describedObject: {apiVersion: example.com/v1, kind: Shop, name: a}, metric: {name: rate}, target: {type: Value}}}`, adapters(), twoPods,
			[]string{`(Object rate of Shop "a")`, `the API does not serve the group "example.com": is its CustomResourceDefinition installed? (describedObject)`}},
		{"no selector", pods, adapters(), withoutSelector, []string{"the target has no pods: its scale has no selector", "set labelSelectorPath in subresources.scale"}},
		{"no pods", cpu, adapters(), shop(), []string{"the target's selector matches no pods that are alive"}},
		{"a value that no pods share, though there shall be some", queue, map[string]string{external: adapters()[external],
			external + "/v1beta1/namespaces/shop/queue?labelSelector=": externalValues(`{` + at + `, "value": "1"}`)}, shop(), []string{"matches no pods that are alive"}},
		{"only pods that are going", pods, adapters(), shop(with(running("a"), func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} })), []string{"matches no pods that are alive"}},
		{"several values of one object", ingress, map[string]string{custom: adapters()[custom], networking: adapters()[networking],
			custom + "/v1beta2/namespaces/shop/ingresses.networking.k8s.io/main/rate?metricLabelSelector=": customValues("v1beta2",
				`{"describedObject": {"kind": "Ingress", "name": "main"}, `+at+`, "value": "120"}`, `{"describedObject": {"kind": "Ingress", "name": "main"}, `+at+`, "value": "7500m"}`)}, twoPods,
			[]string{`(Object rate of Ingress "main")`, `there are 2 values`, `120 of Ingress "main", 7500m of Ingress "main"`, "metric.selector"}},
		{"a quantity that would take hours to read", queue, map[string]string{external: adapters()[external],
			external + "/v1beta1/namespaces/shop/queue?labelSelector=": externalValues(`{` + at + `, "value": "1e-999999999"}`)}, twoPods,
			[]string{`the API answered with the quantity "1e-999999999", which is out of all bounds`}},
		{"only pods that have finished", pods, adapters(), shop(finished("job")), []string{"matches no pods that are alive"}},
		{"a type that we do not know", `{type: Node}`, adapters(), twoPods, []string{`kubernetesMetricSpecs[0] (Node): this version gathers no metrics of the type "Node"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			gathered, err := sourcesOf(t, &served{answers: row.answers}, "["+row.spec+"]").Gather(t.Context(), row.snapshot.Scene(now))
			if err == nil || len(gathered) > 0 {
				t.Fatalf("got %v, %v", gathered, err)
			}
			for _, word := range append(row.want, "gathering Kubernetes metrics: 1 of 1 failed: ") {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not say %q", err, word)
				}
			}
		})
	}
}

func TestWhatCanBeGatheredIsGivenWithTheErrorAboutTheRest(t *testing.T) {
	api := &served{answers: adapters()}
	api.answers[external+"/v1beta1/namespaces/shop/b?labelSelector="] = externalValues(`{` + at + `, "value": "1"}`)
	gathered, err := sourcesOf(t, api, `[{type: External, external: {metric: {name: a}, target: {type: Value}}},
		{type: External, external: {metric: {name: b}, target: {type: Value}}}, {type: Pods, pods: {metric: {name: c}, target: {type: AverageValue}}}]`).Gather(t.Context(), twoPods.Scene(now))
	if len(gathered) != 1 || gathered[0].Kubernetes.Spec.External.Metric.Name != "b" {
		t.Errorf("got %+v", gathered)
	}
	for _, word := range []string{"2 of 3 failed", "kubernetesMetricSpecs[0] (External a)", "kubernetesMetricSpecs[2] (Pods c)"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not say %q", err, word)
		}
	}
}

func TestWhatSeveralSpecsAskForIsReadOnce(t *testing.T) {
	api := &served{answers: adapters()}
	queue := external + "/v1beta1/namespaces/shop/queue?labelSelector="
	api.answers[queue] = externalValues(`{` + at + `, "value": "1"}`)
	sources := sourcesOf(t, api, `[{type: External, external: {metric: {name: queue}, target: {type: Value}}}, {type: External, external: {metric: {name: queue}, target: {type: AverageValue}}}]`)
	for range 3 {
		if gathered, err := sources.Gather(t.Context(), twoPods.Scene(now)); err != nil || len(gathered) != 2 {
			t.Fatalf("got %v, %v", gathered, err)
		}
	}
	if want := []string{external, queue, queue, queue}; !slices.Equal(api.asked, want) {
		t.Errorf("asked\n got %v\nwant %v", api.asked, want)
	}
}

func TestAnAdapterThatComesGoesOrIsUpgradedIsNoticed(t *testing.T) {
	api := &served{answers: map[string]string{}}
	value := `{"describedObject": {"name": "a"}, ` + at + `, "value": "1"}`
	rate := func(version string) string {
		return custom + "/" + version + "/namespaces/shop/pods/*/rate?labelSelector=app=web&metricLabelSelector="
	}
	serve := func(version string) {
		api.mutex.Lock()
		defer api.mutex.Unlock()
		api.answers = map[string]string{custom: `{"versions": [{"version": "` + version + `"}]}`, rate(version): customValues(version, value)}
	}
	sources := sourcesOf(t, api, `[{type: Pods, pods: {metric: {name: rate}, target: {type: AverageValue}}}]`)
	gather := func(after time.Duration, want bool) {
		t.Helper()
		gathered, err := sources.Gather(t.Context(), twoPods.Scene(now.Add(after)))
		if (err == nil) != want || want && gathered[0].Pods.Ready["a"].Value != 1000 {
			t.Errorf("after %s: got %v, %v", after, gathered, err)
		}
	}
	gather(0, false)
	serve("v1beta1")
	gather(time.Second, true)
	serve("v1beta2")
	gather(2*time.Second, true) // what it remembered is not there, so it asks again
	api.answers = map[string]string{}
	gather(3*time.Second, false)
	serve("v1beta1")
	gather(4*time.Second, true)
}
