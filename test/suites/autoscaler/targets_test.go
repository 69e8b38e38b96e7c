package autoscaler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

const webPods = "{metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'web:1'}]}}"

func TestScalesEveryKindOfWorkload(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ apiVersion, kind, spec string }{
		{"apps/v1", "StatefulSet", "{replicas: 1, serviceName: web, selector: {matchLabels: {app: web}}, template: " + webPods + "}"},
		{"apps/v1", "ReplicaSet", "{replicas: 1, selector: {matchLabels: {app: web}}, template: " + webPods + "}"},
		{"v1", "ReplicationController", "{replicas: 1, selector: {app: web}, template: " + webPods + "}"},
	} {
		t.Run(row.kind, func(t *testing.T) {
			t.Parallel()
			web := createTarget(t, row.apiVersion, row.kind, row.spec)
			p := harness.Start(t, harness.Options{Config: web.config(), Files: map[string]string{"evaluate.reply": `{"targetReplicas": 3}`}})
			web.scalesTo(3)
			web.replicasAreManagedBy("custom-pod-autoscaler")
			p.Eventually("metric to be run for 3 pods", func() (bool, error) {
				return p.Read("evaluate.json") != "" && len(metricNames(p, "evaluate")) == 3, nil
			})
			p.Evaluates(2)
			web.scalesTo(2)
		})
	}
}

func TestScalesACustomResourceToZeroAndFromZero(t *testing.T) {
	t.Parallel()
	web := createCustomTarget(t, "{replicas: 2}", "app=web")
	web.createPod("one", "web")
	web.createPod("decoy", "other")
	p := harness.Start(t, harness.Options{Config: web.config() + "minReplicas: 0\n", Files: map[string]string{"evaluate.reply": `{"targetReplicas": 0}`}})
	web.scalesTo(0)
	p.Passes("evaluate", 2)
	if names := metricNames(p, "evaluate"); !slices.Equal(names, []string{"one"}) {
		t.Errorf("metric was run for %v, want the pod that the selector selects", names)
	}
	if document := p.Document("evaluate")["resource"].(map[string]any); document["kind"] != "Worker" || document["spec"].(map[string]any)["color"] != "red" {
		t.Errorf("the target's document is %s, want the whole object", harness.InJSON(document))
	}
	p.Evaluates(3)
	web.scalesTo(3)
}

// TestGoesOnWhenReplicasAreSet: the API has no scale for a custom resource without replicas, so that there is nothing
// to scale until somebody sets them.
func TestGoesOnWhenReplicasAreSet(t *testing.T) {
	t.Parallel()
	web := createCustomTarget(t, "{}", "app=web")
	p := harness.Start(t, harness.Options{Config: web.config() + "logVerbosity: 1\n", Files: map[string]string{"evaluate.reply": `{"targetReplicas": 3}`}})
	p.Logs("pass failed, nothing was scaled", "workers.e2e.example.com/scale", ".spec.replicas", "does not exist")
	p.LogsMore(2, "pass failed")
	if calls := p.Read("calls"); calls != "" {
		t.Errorf("user logic was run:\n%s", calls)
	}
	web.patch(`{"spec": {"replicas": 1}}`)
	web.scalesTo(3)
	p.Logs("recovered")
}

func TestATargetWithoutASelectorHasNoPods(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, selector string }{
		{"it is empty", ""},
		{"there is none", "-"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			web := createCustomTarget(t, "{replicas: 1}", row.selector)
			web.createPod("decoy", "web")
			p := harness.Start(t, harness.Options{Config: web.config(), Files: map[string]string{"evaluate.reply": `{"targetReplicas": 3}`}})
			web.scalesTo(3)
			p.Passes("evaluate", 2)
			if p.Calls("metric") > 0 {
				t.Errorf("metric was run for a pod that is not the target's:\n%s", p.Read("metric.json"))
			}
			if metrics := harness.InJSON(p.Document("evaluate")["metrics"]); metrics != "[]" {
				t.Errorf("metrics are %s, want []", metrics)
			}
		})
	}
}

// target is an object named web that is scaled, in a namespace of its own.
type target struct {
	*testing.T
	apiVersion, kind, namespace string
}

func createTarget(t *testing.T, apiVersion, kind, spec string) target {
	t.Helper()
	web := target{t, apiVersion, kind, cluster.Start(t).Namespace(t)}
	manifest := fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: web}, spec: %s}", apiVersion, kind, spec)
	harness.Eventually(t, "the API to accept the "+kind, func() (bool, error) {
		_, err := web.api().Create(t.Context(), parse(t, manifest), metav1.CreateOptions{})
		if apierrors.IsNotFound(err) { // a new kind is served after a moment
			return false, err
		}
		if err != nil {
			t.Fatal(err)
		}
		return true, nil
	})
	return web
}

// createCustomTarget creates a custom resource; a selector of "-" is none at all.
func createCustomTarget(t *testing.T, spec, selector string) target {
	t.Helper()
	crds := dynamicClient(t).Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err := crds.Create(t.Context(), parse(t, workers), metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	web := createTarget(t, "e2e.example.com/v1", "Worker", strings.Replace(spec, "{", "{color: red, ", 1))
	if selector != "-" {
		web.patch(fmt.Sprintf(`{"status": {"replicas": 0, "selector": %q}}`, selector), "status")
	}
	return web
}

// workers is a kind with a scale, which no controller looks after.
const workers = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: workers.e2e.example.com}
spec:
  group: e2e.example.com
  names: {kind: Worker, plural: workers}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
      subresources:
        status: {}
        scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
`

// config is harness.BaseConfig for the target, in the mode per-pod.
func (w target) config() string {
	ref := fmt.Sprintf("apiVersion: %s, kind: %s, name: web", w.apiVersion, w.kind)
	return strings.Replace(perPod(w.namespace), "apiVersion: apps/v1, kind: Deployment, name: web", ref, 1)
}

func (w target) api() dynamic.ResourceInterface {
	version, err := schema.ParseGroupVersion(w.apiVersion)
	if err != nil {
		w.Fatal(err)
	}
	return dynamicClient(w.T).Resource(version.WithResource(strings.ToLower(w.kind) + "s")).Namespace(w.namespace)
}

// scalesTo waits until the target's scale asks for so many replicas.
func (w target) scalesTo(want int64) {
	w.Helper()
	harness.Eventually(w.T, fmt.Sprintf("the %s to be scaled to %d", w.kind, want), func() (bool, error) {
		scale, err := w.api().Get(w.Context(), "web", metav1.GetOptions{}, "scale")
		if err != nil {
			return false, err
		}
		replicas, _, err := unstructured.NestedInt64(scale.Object, "spec", "replicas") // left out where it is 0
		return replicas == want, err
	})
}

// replicasAreManagedBy fails unless the API server names so who wrote the target's replicas. It does that for its own
// kinds: of a custom resource's scale it keeps no manager.
func (w target) replicasAreManagedBy(want string) {
	w.Helper()
	object, err := w.api().Get(w.Context(), "web", metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	var managers []string
	for _, entry := range object.GetManagedFields() {
		if strings.Contains(entry.FieldsV1.GetRawString(), `"f:replicas"`) && entry.Subresource == "scale" {
			managers = append(managers, entry.Manager)
		}
	}
	if !slices.Equal(managers, []string{want}) {
		w.Errorf("the replicas are managed by %q, want %q", managers, want)
	}
}

func (w target) patch(patch string, subresources ...string) {
	w.Helper()
	if _, err := w.api().Patch(w.Context(), "web", types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...); err != nil {
		w.Fatal(err)
	}
}

// createPod creates a pod of an app next to the target.
func (w target) createPod(name, app string) {
	w.Helper()
	template := harness.PodTemplate(app)
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name = name
	if _, err := harness.Client(w.T).CoreV1().Pods(w.namespace).Create(w.Context(), pod, metav1.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
}

func dynamicClient(t *testing.T) dynamic.Interface {
	t.Helper()
	client, err := dynamic.NewForConfig(cluster.Start(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func parse(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}
