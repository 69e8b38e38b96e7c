package autoscaler

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// stages are all methods and hooks, in the order in which a pass runs them.
var stages = []string{"preMetric", "metric", "postMetric", "preEvaluate", "evaluate", "postEvaluate", "preScale", "postScale"}

// hooks makes every hook the record script; the last of a pass is the script keep.
func hooks() string {
	var lines strings.Builder
	for _, stage := range stages {
		entrypoint := "./record"
		switch stage {
		case "metric", "evaluate":
			continue
		case "postScale":
			entrypoint = "./keep"
		}
		fmt.Fprintf(&lines, "%s: {type: shell, timeout: 20000, shell: {entrypoint: %s, command: [%[1]s]}}\n", stage, entrypoint)
	}
	return lines.String()
}

// keep records like the others, and puts the documents of one whole pass into the folder pass once there is a file wanted.
const keep = `#!/bin/sh
set -e
./record "$1"
test -f wanted || exit 0
test -d pass && exit 0
mkdir pass.new
cp *.json pass.new
mv pass.new pass
`

// recordedSpecs are those that the documents were recorded with.
const recordedSpecs = `
kubernetesMetricSpecs:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization}}}
  - {type: Resource, resource: {name: memory, target: {type: AverageValue}}}
  - {type: Pods, pods: {metric: {name: packets-per-second}, target: {type: AverageValue}}}
  - {type: Object, object: {describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main-route}, metric: {name: requests-per-second}, target: {type: Value}}}
  - {type: Object, object: {describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main-route}, metric: {name: requests-per-second}, target: {type: AverageValue}}}
  - {type: External, external: {metric: {name: my-external-metric, selector: {matchLabels: {foo: bar}}}, target: {type: Value}}}
  - {type: External, external: {metric: {name: my-external-metric}, target: {type: AverageValue}}}
`

// TestDocumentsAreThoseOfVersion2 compares every document of both modes with one that was recorded, field by field.
// These differences are intended:
//
//	a pod has apiVersion and kind           it says what it is, as the target always did
//	preScale, postScale: currentReplicas    a hook sees what is about to change
func TestDocumentsAreThoseOfVersion2(t *testing.T) {
	t.Parallel()
	namespace := createFlaskMetric(t)
	resource, pod := recorded(t, "per-resource.metric"), recorded(t, "per-pod.metric")
	postMetric := recorded(t, "per-pod.postMetric")
	evaluate, postEvaluate, preScale := recorded(t, "per-resource.evaluate"), recorded(t, "per-resource.postEvaluate"), recorded(t, "per-resource.preScale")
	pod["resource"] = with(with(pod["resource"].(map[string]any), "apiVersion", "v1"), "kind", "Pod")
	preScale["currentReplicas"] = 3.0
	one, each := evaluate["metrics"], postMetric["metrics"]
	var pods []string
	for _, pod := range harness.PodsOf(t, namespace, "flask-metric") {
		pods = append(pods, pod.Name)
	}
	for _, mode := range []struct {
		name      string
		metric    map[string]any
		values    any      // metrics, in the documents that carry them
		resources []string // that metric is run for, in this order
	}{
		{"per-resource", resource, one, []string{"flask-metric"}},
		{"per-pod", pod, each, pods},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			p := harness.Start(t, harness.Options{
				Config: strings.ReplaceAll(harness.BaseConfig(namespace), "name: web", "name: flask-metric") + recordedSpecs + hooks(),
				Env:    []string{"runMode=" + mode.name, "metricConcurrency=1"}, // the last pod's document is the last one written
				Files:  map[string]string{"metric.reply": "7\n", "evaluate.reply": `{"targetReplicas": 3}`, "keep": keep},
			})
			gathers(p, "two pods that are measured and one that is not", func(metrics []gathered) bool {
				return len(metrics) == 7 && readyPods(2)(metrics[:2])
			})
			p.Write("wanted", "")
			p.Eventually("a whole pass", func() (bool, error) { return p.Read("pass/postScale.json") != "", nil })
			checkOrder(p, len(mode.resources))
			for _, row := range []struct {
				stage string
				want  map[string]any
			}{
				{"preMetric", resource},
				{"metric", mode.metric},
				{"postMetric", with(postMetric, "metrics", mode.values)},
				{"preEvaluate", with(evaluate, "metrics", mode.values)},
				{"evaluate", with(evaluate, "metrics", mode.values)},
				{"postEvaluate", with(postEvaluate, "metrics", mode.values)},
				{"preScale", preScale},
				{"postScale", preScale},
			} {
				got := p.Document("pass/" + row.stage)
				for _, difference := range compare(mode.name+"."+row.stage, row.want, got) {
					t.Error(difference)
				}
			}
			checkNames(p, mode.resources)
		})
	}
}

// createFlaskMetric creates what the documents were recorded from, and waits until two of its pods are measured. The
// first by name uses no memory, which to metrics-server is a pod that it has not measured; it has no custom metric.
func createFlaskMetric(t *testing.T) (namespace string) {
	t.Helper()
	namespace = cluster.Start(t).Namespace(t)
	template := harness.PodTemplate("flask-metric")
	template.Annotations = map[string]string{"kwok.x-k8s.io/usage-cpu": "4m", "kwok.x-k8s.io/usage-memory": "32Mi"}
	template.Spec.Containers[0].Name, template.Spec.Containers[0].Image = "flask-metric", "flask-metric:1"
	replicas := int32(3)
	_, err := harness.Client(t).AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "flask-metric", Labels: map[string]string{"numPods": "3"}},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Template: template,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "flask-metric"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	harness.PodsAreReady(t, namespace, 3)
	pods := harness.PodsOf(t, namespace, "flask-metric")
	writeRecordedMetrics(t, namespace, pods[1:])
	harness.PatchPod(t, namespace, pods[0].Name, `{"metadata": {"annotations": {"kwok.x-k8s.io/usage-memory": "0"}}}`)
	harness.PodsAreMeasured(t, namespace, "flask-metric", 2)
	harness.Eventually(t, "the Deployment to be available", func() (bool, error) {
		deployment, err := harness.Client(t).AppsV1().Deployments(namespace).Get(t.Context(), "flask-metric", metav1.GetOptions{})
		return err == nil && deployment.Status.AvailableReplicas == 3 && len(deployment.Status.Conditions) == 2, err
	})
	return namespace
}

// writeRecordedMetrics writes the custom metrics of the pods and of an Ingress that it creates, and the external ones.
func writeRecordedMetrics(t *testing.T, namespace string, pods []corev1.Pod) {
	t.Helper()
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "flask-metric", Port: networkingv1.ServiceBackendPort{Number: 5000},
	}}
	_, err := harness.Client(t).NetworkingV1().Ingresses(namespace).Create(t.Context(), &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "main-route"},
		Spec:       networkingv1.IngressSpec{DefaultBackend: &backend},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		harness.SetObjectMetric(t, namespace, "pods", pod.Name, "packets-per-second", "1500m")
	}
	harness.SetObjectMetric(t, namespace, "ingresses.networking.k8s.io", "main-route", "requests-per-second", "120")
	harness.SetExternalMetric(t, namespace, "my-external-metric", labels.Set{"foo": "bar"}, "42")
	harness.SetExternalMetric(t, namespace, "my-external-metric", labels.Set{"foo": "baz"}, "43")
}

// checkOrder holds if every pass ran each method in its turn, and metric so many times; the last pass may be cut short.
func checkOrder(p *harness.Program, metrics int) {
	p.Helper()
	var pass []string
	for _, stage := range stages {
		if stage == "metric" {
			pass = append(pass, slices.Repeat([]string{stage}, metrics)...)
		} else {
			pass = append(pass, stage)
		}
	}
	for i, call := range strings.Fields(p.Read("calls")) {
		if want := pass[i%len(pass)]; call != want {
			p.Errorf("call %d is %s, want %s", i+1, call, want)
			return
		}
	}
}

// checkNames holds if the metrics are of these resources, in this order, and metric was last given the last of them.
func checkNames(p *harness.Program, want []string) {
	p.Helper()
	for _, stage := range []string{"postMetric", "preEvaluate", "evaluate", "postEvaluate"} {
		if got := metricNames(p, "pass/"+stage); !slices.Equal(got, want) {
			p.Errorf("%s: metrics are of %v, want %v", stage, got, want)
		}
	}
	resource := p.Document("pass/metric")["resource"].(map[string]any)
	if got := resource["metadata"].(map[string]any)["name"]; got != want[len(want)-1] {
		p.Errorf("metric was last given %v, want %s", got, want[len(want)-1])
	}
}

func recorded(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "recorded", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return harness.DecodeJSON(t, string(text))
}

func with(document map[string]any, key string, value any) map[string]any {
	changed := maps.Clone(document)
	changed[key] = value
	return changed
}

// ofTheMoment are keys whose value is of one time and place; only its type is compared, but for the specs of metrics.
var ofTheMoment = map[string]bool{
	"name": true, "resource": true, "generateName": true, "namespace": true, "uid": true, "resourceVersion": true, "generation": true, "observedGeneration": true,
	"creationTimestamp": true, "lastTransitionTime": true, "lastUpdateTime": true, "startTime": true, "startedAt": true,
	"pod-template-hash": true, "message": true, "nodeName": true, "hostIP": true, "podIP": true, "ip": true,
	"Timestamp": true, "timestamp": true, "Window": true,
}

// byPod are objects whose keys are names of pods.
var byPod = map[string]bool{"pod_metrics_info": true, "requests": true, "ignored_pods": true, "missing_pods": true}

// compare gives what differs: keys in both directions at every level, JSON types, null from empty from absent, and
// every value that is not of the moment.
func compare(path string, want, got any) []string {
	key := path[strings.LastIndex(path, ".")+1:]
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return differs(path, want, got)
		}
		if byPod[key] && strings.Contains(path, "kubernetesMetrics") {
			return compare(path+"[by pod]", sortedValues(want), sortedValues(object))
		}
		return compareObjects(path, want, object)
	case []any:
		list, ok := got.([]any)
		if key == "conditions" {
			want, list = byType(want), byType(list)
		}
		if !ok || len(want) != len(list) {
			return differs(path, want, got)
		}
		var differences []string
		for i := range want {
			differences = append(differences, compare(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])...)
		}
		return differences
	}
	return compareValues(path, key, want, got)
}

func compareObjects(path string, want, got map[string]any) []string {
	var differences []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got[key]; ok {
			differences = append(differences, compare(path+"."+key, want[key], value)...)
		} else {
			differences = append(differences, path+"."+key+" is not there")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		_, ok := want[key]
		if !ok && key != "managedFields" { // which the recorder removed
			differences = append(differences, path+"."+key+" is not in the recording")
		}
	}
	return differences
}

func compareValues(path, key string, want, got any) []string {
	isSpec := strings.Contains(path, "kubernetesMetrics") && strings.Contains(path, ".spec.")
	switch _, isNumber := got.(float64); {
	case fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got):
		return differs(path, want, got)
	case key == "Window" && got.(float64) <= 0:
		return []string{path + " is not more than 0"}
	case ofTheMoment[key] && !isSpec || key == "Value" && isNumber && want.(float64) < 10: // simulated cpu time is a little off
		return nil
	case want != got:
		return differs(path, want, got)
	}
	return nil
}

func differs(path string, want, got any) []string {
	return []string{fmt.Sprintf("%s is %s, want %s", path, harness.InJSON(got), harness.InJSON(want))}
}

func sortedValues(object map[string]any) []any {
	values := []any{}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		values = append(values, object[key])
	}
	return values
}

// byType orders conditions, which Kubernetes adds as they come about.
func byType(conditions []any) []any {
	typeOf := func(condition any) string { return fmt.Sprint(condition.(map[string]any)["type"]) }
	return slices.SortedFunc(slices.Values(conditions), func(a, b any) int { return strings.Compare(typeOf(a), typeOf(b)) })
}

// TestCompareFindsEveryDifference shows that the comparison can fail.
func TestCompareFindsEveryDifference(t *testing.T) {
	for _, row := range []struct{ name, want, got, difference string }{
		{"the same", `{"a": [1, {"b": null}]}`, `{"a": [1, {"b": null}]}`, ""},
		{"another time", `{"timestamp": "1"}`, `{"timestamp": "2"}`, ""},
		{"another pod", `{"kubernetesMetrics": {"requests": {"a": 200}}}`, `{"kubernetesMetrics": {"requests": {"b": 200}}}`, ""},
		{"another metric", `{"kubernetesMetrics": [{"spec": {"name": "a"}}]}`, `{"kubernetesMetrics": [{"spec": {"name": "b"}}]}`, "doc.kubernetesMetrics[0].spec.name"},
		{"another request", `{"kubernetesMetrics": {"requests": {"a": 200}}}`, `{"kubernetesMetrics": {"requests": {"b": 100}}}`, "100"},
		{"one pod more", `{"kubernetesMetrics": {"missing_pods": {}}}`, `{"kubernetesMetrics": {"missing_pods": {"a": {}}}}`, "missing_pods"},
		{"a key is gone", `{"a": {"b": 1}}`, `{"a": {}}`, "doc.a.b is not there"},
		{"a key is new", `{"a": {}}`, `{"a": {"b": 1}}`, "doc.a.b is not in the recording"},
		{"null for an object", `{"a": {}}`, `{"a": null}`, "doc.a is null, want {}"},
		{"a list for an object", `{"a": {}}`, `{"a": []}`, "doc.a is [], want {}"},
		{"an object for null", `{"a": null}`, `{"a": {}}`, "doc.a is {}"},
		{"null for a list", `{"a": []}`, `{"a": null}`, "doc.a is null"},
		{"text for a number", `{"a": 1}`, `{"a": "1"}`, `doc.a is "1", want 1`},
		{"a time that is a number", `{"timestamp": "1"}`, `{"timestamp": 1}`, "doc.timestamp"},
		{"another value", `{"a": 1}`, `{"a": 2}`, "doc.a is 2, want 1"},
		{"one entry less", `{"a": [1, 2]}`, `{"a": [1]}`, "doc.a is [1]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := strings.Join(compare("doc", harness.DecodeJSON(t, row.want), harness.DecodeJSON(t, row.got)), "\n")
			if (got == "") != (row.difference == "") || !strings.Contains(got, row.difference) {
				t.Errorf("got %q, want %q", got, row.difference)
			}
		})
	}
}

// request is what the server of an http method was sent.
type request struct {
	method, query, body, contentType string
	length                           int64
}

func TestHTTPMethodsAreSentTheirDocuments(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	var lock sync.Mutex
	sent := map[string]request{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what could not be read is missed below
		lock.Lock()
		sent[r.URL.Path] = request{r.Method, r.URL.Query().Get("value"), string(body), r.Header.Get("Content-Type"), r.ContentLength}
		lock.Unlock()
		reply := map[string]string{"/metric": "7\n", "/evaluate": `{"targetReplicas": 3}`}[r.URL.Path]
		_, _ = io.WriteString(w, reply)
	}))
	t.Cleanup(server.Close)
	harness.Start(t, harness.Options{Config: strings.Join([]string{
		"scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}",
		"namespace: " + namespace,
		"runMode: per-resource",
		"interval: 300",
		"metric: {type: http, timeout: 20000, http: {method: GET, url: '" + server.URL + "/metric', parameterMode: query}}",
		"evaluate: {type: http, timeout: 20000, http: {method: POST, url: '" + server.URL + "/evaluate', parameterMode: body}}",
	}, "\n")})
	harness.ScalesTo(t, namespace, 3)

	lock.Lock()
	defer lock.Unlock()
	metric, evaluate := sent["/metric"], sent["/evaluate"]
	if document := harness.DecodeJSON(t, metric.query); metric.method != http.MethodGet || metric.body != "" || document["runType"] != "scaler" {
		t.Errorf("metric was sent %+v", metric)
	}
	document := harness.DecodeJSON(t, evaluate.body)
	if want := `[{"resource":"web","value":"7\n"}]`; harness.InJSON(document["metrics"]) != want {
		t.Errorf("metrics are %s, want %s", harness.InJSON(document["metrics"]), want)
	}
	if evaluate.method != http.MethodPost || evaluate.query != "" || evaluate.contentType != "application/json" || evaluate.length != int64(len(evaluate.body)) {
		t.Errorf("evaluate was sent %+v", evaluate)
	}
}
