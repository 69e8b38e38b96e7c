package plan

import (
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

const (
	service    = `{kind: Service, metadata: {name: web}, spec: {selector: SELECTOR}}`
	deployed   = `{kind: Deployment, metadata: {name: web}, spec: {selector: SELECTOR}}`
	controlled = `{kind: ReplicationController, metadata: {name: web}, spec: {selector: SELECTOR}}`
)

func TestLabels(t *testing.T) {
	const behind, command = "put the autoscaler's pod behind the selector of ", "kubectl annotate --overwrite -n shop "
	for _, row := range []struct{ name, labels, claim, selector, refusal string }{
		{"a Service", "{app: web, team: a}", service, "{app: web}", `spec.template.metadata.labels (app: web) ` + behind + `Service "web" (app=web): remove or rename`},
		{"the way out of a Service", "{app: web}", service, "{app: web}", command + "service/web v1.custompodautoscaler.com/allowed-objects=web-autoscaler"},
		{"a Service of others", "{app: api}", service, "{app: web}", ""},
		{"a Service that asks for more", "{app: web}", service, "{app: web, tier: front}", ""},
		{"a Service of all that the operator runs, which the template changes nothing about", "{app: web}", service, "{app.kubernetes.io/managed-by: custom-pod-autoscaler-operator}", ""},
		{"a Service that also asks for what the operator sets", "{app: web}", service, "{app.kubernetes.io/managed-by: custom-pod-autoscaler-operator, app: web}", behind},
		{"a Service of the autoscaler itself", "{app: web}", service, "{v1.custompodautoscaler.com/owned-by: web-autoscaler, app: web}", ""},
		{"a Service of another autoscaler", "{v1.custompodautoscaler.com/owned-by: other}", service, "{v1.custompodautoscaler.com/owned-by: other}", ""}, // the operator's label wins
		{"a Service without a selector", "{app: web}", service, "null", ""},
		{"a Service with an empty selector", "{app: web}", service, "{}", ""},
		{"a Service that allows it", "{app: web}", `{kind: Service, metadata: {name: web, annotations: {v1.custompodautoscaler.com/allowed-objects: web-autoscaler}}, spec: {selector: SELECTOR}}`, "{app: web}", ""},
		{"a Service that tells versions by their hash", "{app: web}", service, "{app: web, pod-template-hash: abc}", behind},
		{"a ReplicationController", "{app: web}", controlled, "{app: web}", behind + `ReplicationController "web"`},
		{"a ReplicationController with an empty selector", "{app: web}", controlled, "{}", ""},
		{"a workload", "{app: web}", deployed, "{matchLabels: {app: web}}", behind + `Deployment "web" (app=web)`},
		{"a workload with an expression", "{app: web}", deployed, "{matchExpressions: [{key: app, operator: In, values: [api, web]}]}", behind},
		{"a workload of any value", "{app: nonsense}", deployed, "{matchExpressions: [{key: app, operator: Exists}]}", behind},
		{"a workload with both, of which one does not match", "{app: web}", deployed, "{matchLabels: {app: web}, matchExpressions: [{key: tier, operator: Exists}]}", ""},
		{"a workload of all but one, which the template changes nothing about", "{app: web}", deployed, "{matchExpressions: [{key: app, operator: NotIn, values: [api]}]}", ""},
		{"a workload with an empty selector, which selects all", "{app: web}", deployed, "{}", ""},
		{"a workload without a selector", "{app: web}", deployed, "null", ""},
		{"a selector that cannot be read", "{app: web}", deployed, "{matchExpressions: [{key: app, operator: Nonsense}]}", ""},
		{"the autoscaler's own workload", "{app: web}", deployed, "{matchLabels: {v1.custompodautoscaler.com/owned-by: web-autoscaler}}", ""},
		{"the autoscaler's own ReplicaSet", "{app: web, pod-template-hash: abc}", deployed, "{matchLabels: {v1.custompodautoscaler.com/owned-by: web-autoscaler, pod-template-hash: abc}}", ""},
		{"a Job", "{batch.kubernetes.io/controller-uid: abc}", `{kind: Job, metadata: {name: web}, spec: {selector: SELECTOR}}`, "{matchLabels: {batch.kubernetes.io/controller-uid: abc}}", behind + `Job "web"`},
		{"a selector that must not have the autoscaler", "{app: web}", deployed, "{matchLabels: {app: web}, matchExpressions: [{key: v1.custompodautoscaler.com/owned-by, operator: NotIn, values: [other]}]}", behind},
	} {
		t.Run(row.name, func(t *testing.T) {
			object, deployment := labelled(t, row.labels)
			live := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(strings.Replace(row.claim, "SELECTOR", row.selector, 1)), &live.Object); err != nil {
				t.Fatal(err)
			}
			says(t, CheckLabels(object, TemplateLabels(object, deployment), ClaimOf(live)), row.refusal)
		})
	}
}

func TestLabelsOfTheTargetByItsScale(t *testing.T) {
	for _, row := range []struct{ name, labels, selector, refusal string }{
		{"the target's", "{app: web}", "app=web", `behind the selector of Deployment "web" (app=web): remove or rename them in the template`},
		{"an expression", "{app: web}", "app in (web,api),!canary", "behind the selector"},
		{"of others", "{app: api}", "app=web", ""},
		{"a target without a selector has no pods", "{app: web}", "", ""},
		{"a selector that cannot be read", "{app: web}", "app in (", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			object, deployment := labelled(t, row.labels)
			scale := &autoscalingv1.Scale{Status: autoscalingv1.ScaleStatus{Selector: row.selector}}
			says(t, CheckLabels(object, TemplateLabels(object, deployment), ClaimOfTarget(object, scale)), row.refusal)
		})
	}
}

// labelled is an object whose template has labels, and its Deployment.
func labelled(t *testing.T, labels string) (*cpav1.CustomPodAutoscaler, *unstructured.Unstructured) {
	t.Helper()
	object, desired := desiredOf(t, "template: {spec", "template: {metadata: {labels: "+labels+"}, spec")
	return object, WorkloadOf(desired)
}

func TestLabelsOfTheOperatorAreNotTheTemplates(t *testing.T) {
	object, deployment := labelled(t, "{app.kubernetes.io/managed-by: somebody, v1.custompodautoscaler.com/owned-by: other}")
	if got := TemplateLabels(object, deployment); len(got) > 0 {
		t.Errorf("got %v, want none", got)
	}
}
