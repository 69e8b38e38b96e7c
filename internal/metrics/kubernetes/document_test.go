package kubernetes_test

import (
	"encoding/json"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// documents are one of each type, as user code is given them.
var documents = []struct{ document, block, short, name string }{
	{`{spec: {type: Resource, resource: {name: cpu, target: {type: Utilization}}}, resource: {pod_metrics_info: {a: {Value: 1}, b: {Value: 2}}, requests: {a: 10, b: 20}, missing_pods: {c: {}}}}`,
		"resource", "Resource cpu", "cpu resource utilization (percentage of request)"},
	{`{spec: {type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: AverageValue}}}, container_resource: {pod_metrics_info: {a: {Value: 1}, b: {Value: 2}}}}`,
		"containerResource", `ContainerResource cpu of container "web"`, "cpu container resource"},
	{`{spec: {type: Pods, pods: {metric: {name: hits}, target: {type: AverageValue}}}, pods: {pod_metrics_info: {a: {Value: 1}, b: {Value: 2}}, missing_pods: {c: {}}}}`,
		"pods", "Pods hits", "pods metric hits"},
	{`{spec: {type: Object, object: {metric: {name: hits}, describedObject: {kind: Service, name: web}, target: {type: Value}}}, object: {current: {value: 7}}}`,
		"object", `Object hits of Service "web"`, "Service metric hits"},
	{`{spec: {type: External, external: {metric: {name: queue}, target: {type: AverageValue}}}, external: {current: {average_value: 7}}}`,
		"external", "External queue", "external metric queue"},
}

func documentOf(t *testing.T, text string) (document userlogic.KubernetesMetric) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

func TestEachTypeIsRead(t *testing.T) {
	for _, row := range documents {
		document := documentOf(t, row.document)
		reading, err := kubernetes.Read(document)
		if err != nil || reading.Name != row.name || (reading.Pods == nil) == (reading.Value == nil) {
			t.Errorf("%s: got %+v, %v; want the name %s", row.short, reading, err, row.name)
		}
		if reading.Pods != nil && (len(reading.Pods.Ready) != 2 || reading.Pods.Ready["b"].Value != 2) || reading.Value != nil && reading.Value.Amount() != 7 {
			t.Errorf("%s: got the values %+v, %+v", row.short, reading.Pods, reading.Value)
		}
		if got := kubernetes.Describe(document.Spec); got != row.short {
			t.Errorf("got %s, want %s", got, row.short)
		}
		block, target := kubernetes.Target(&document.Spec)
		if target == nil || block != row.block || target.Type != reading.Target.Type {
			t.Errorf("%s aims at %+v, in %s", row.short, target, block)
		}
	}
}

func TestADocumentWithoutItsSpecOrValuesIsNotRead(t *testing.T) {
	for _, text := range []string{
		`{}`, `{spec: {type: Node}}`, `{spec: {type: Resource}, resource: {}}`, `{spec: {type: Resource, resource: {name: cpu}}}`,
		`{spec: {type: Pods, resource: {name: cpu}}, resource: {}}`, `{spec: {type: External, external: {metric: {name: a}}}, object: {}}`,
	} {
		document := documentOf(t, text)
		if reading, err := kubernetes.Read(document); err == nil {
			t.Errorf("%s: got %+v", text, reading)
		}
		_ = kubernetes.Describe(document.Spec)
	}
	if block, target := kubernetes.Target(&autoscalingv2.MetricSpec{Type: "Resource"}); target != nil || block != "" {
		t.Errorf("a spec without settings aims at %+v", target)
	}
}

func TestWhatIsKnownOfOnePod(t *testing.T) {
	for _, row := range documents {
		document := documentOf(t, row.document)
		before, _ := json.Marshal(document)
		own, err := kubernetes.Read(kubernetes.Own(document, "a"))
		if err != nil || own.Pods != nil && (len(own.Pods.Ready) != 1 || own.Pods.Ready["a"].Value != 1 || len(own.Pods.Missing) != 0 || len(own.Pods.Requests) > 1) {
			t.Errorf("%s: got %+v, %v", row.short, own, err)
		}
		if after, _ := json.Marshal(document); string(after) != string(before) {
			t.Errorf("%s: the document was changed", row.short)
		}
	}
}
