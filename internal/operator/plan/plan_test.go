package plan

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/operatortest"
)

const plain = `
metadata: {name: web-autoscaler}
spec:
  template: {spec: {containers: [{name: autoscaler, image: "web-autoscaler:1", env: [{name: mine, value: ""}], resources: {requests: {cpu: 0.5, memory: 64Mi}}}]}}
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  config: [{name: interval, value: "10000"}]
`

// desiredOf is what has to be there for an object that is written a little differently.
func desiredOf(t *testing.T, old, changed string) (*cpav1.CustomPodAutoscaler, []*unstructured.Unstructured) {
	t.Helper()
	object := operatortest.Object(t, []byte(strings.Replace(plain, old, changed, 1)))
	all, err := desired.For(object, desired.Deployments, false)
	if err != nil {
		t.Fatal(err)
	}
	return object, all
}

// was is what is there after a plan was carried out.
func was(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	object, desired := desiredOf(t, "", "")
	plan, err := For(object, desired, nil)
	if err != nil || len(plan.Apply) != 4 || len(plan.Delete) != 0 {
		t.Fatalf("the first plan is %+v, %v; want all four to be applied", plan, err)
	}
	return plan.Apply
}

// pod is one that the operator before us has made.
func pod(t *testing.T, owner string) *unstructured.Unstructured {
	t.Helper()
	one := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(`{apiVersion: v1, kind: Pod, metadata: {name: web-autoscaler, ownerReferences: [{controller: true, uid: "`+owner+`"}]}}`), &one.Object); err != nil {
		t.Fatal(err)
	}
	return one
}

// said is a plan in words: delete Pod web, apply Role web-autoscaler.
func (p Plan) said() string {
	var words []string
	for _, one := range p.Delete {
		words = append(words, "delete "+one.GetKind()+" "+one.GetName())
	}
	for _, one := range p.Await {
		words = append(words, "await the end of "+one.GetKind()+" "+one.GetName())
	}
	for _, one := range p.Apply {
		words = append(words, "apply "+one.GetKind()+" "+one.GetName())
	}
	return strings.Join(words, ", ")
}

func TestAPlanIsWhatIsNotAsItShouldBe(t *testing.T) {
	deploymentOf := func(there []*unstructured.Unstructured) map[string]any {
		return there[3].Object["spec"].(map[string]any)
	}
	for _, row := range []struct {
		name         string
		old, changed string // of the object, since it was applied
		meanwhile    func(there []*unstructured.Unstructured) []*unstructured.Unstructured
		want         string
	}{
		{"nothing has changed", "", "", nil, ""},
		{"an entry of config is another", "10000", "5000", nil, "apply Deployment web-autoscaler"},
		{"an entry of config is gone", `config: [{name: interval, value: "10000"}]`, "", nil, "apply Deployment web-autoscaler"},
		{"the target is another", "name: web}", "name: api}", nil, "apply Role web-autoscaler, apply Deployment web-autoscaler"},
		{"the workload has another name", "template: {spec", "template: {metadata: {name: runner}, spec", nil, "delete Deployment web-autoscaler, apply Deployment runner"},
		{"the Role is not ours to make any more", "spec:\n", "spec:\n  provisionRole: false\n", nil, ""},
		{"the workload is not ours to make any more", "spec:\n", "spec:\n  provisionPod: false\n", nil, "delete Deployment web-autoscaler"},
		{"somebody has deleted the Role", "", "", func(there []*unstructured.Unstructured) []*unstructured.Unstructured {
			return append(there[:1], there[2:]...)
		}, "apply Role web-autoscaler"},
		{"somebody has scaled the workload", "", "", func(there []*unstructured.Unstructured) []*unstructured.Unstructured {
			deploymentOf(there)["replicas"] = int64(3)
			return there
		}, "apply Deployment web-autoscaler"},
		{"somebody has given rights", "", "", func(there []*unstructured.Unstructured) []*unstructured.Unstructured {
			there[1].Object["rules"] = append(there[1].Object["rules"].([]any), map[string]any{"verbs": []any{"*"}})
			return there
		}, "apply Role web-autoscaler"},
		{"the API server has added defaults, and somebody a label", "", "", func(there []*unstructured.Unstructured) []*unstructured.Unstructured {
			deploymentOf(there)["revisionHistoryLimit"] = int64(10)
			there[3].SetLabels(map[string]string{cpav1.ManagedBy: cpav1.Operator, cpav1.OwnedBy: "web-autoscaler", "mine": "1"})
			return there
		}, ""},
		{"the pod of the operator before us is there", "", "", func(there []*unstructured.Unstructured) []*unstructured.Unstructured {
			return append(there[:3], pod(t, "123"))
		}, "delete Pod web-autoscaler, apply Deployment web-autoscaler"},
		{"a pod is there that is somebody else's", "", "", func(there []*unstructured.Unstructured) []*unstructured.Unstructured {
			return append(there, pod(t, "456"))
		}, ""},
		{"what was made for an object of the same name is still there", "", "", func(there []*unstructured.Unstructured) []*unstructured.Unstructured {
			owners := there[1].GetOwnerReferences()
			owners[0].UID = "before"
			there[1].SetOwnerReferences(owners)
			return there
		}, "await the end of Role web-autoscaler"},
	} {
		t.Run(row.name, func(t *testing.T) {
			there := was(t)
			if row.meanwhile != nil {
				there = row.meanwhile(there)
			}
			object, desired := desiredOf(t, row.old, row.changed)
			plan, err := For(object, desired, there)
			if err != nil || plan.said() != row.want {
				t.Errorf("got %q, %v; want %q", plan.said(), err, row.want)
			}
		})
	}
}

func TestWhatIsNotOursIsNeverTakenOver(t *testing.T) {
	for i, field := range []string{"provisionServiceAccount", "provisionRole", "provisionRoleBinding", "provisionPod"} {
		there := was(t)
		there[i].SetOwnerReferences(nil)
		object, desired := desiredOf(t, "", "")
		plan, err := For(object, desired, there)
		if conflict, ok := errors.AsType[ConflictError](err); !ok || conflict.Kind != there[i].GetKind() || plan.said() != "" || !strings.Contains(err.Error(), "spec."+field+": false") {
			t.Errorf("%s: got %q, %v", there[i].GetKind(), plan.said(), err)
		}
		object, desired = desiredOf(t, "spec:\n", "spec:\n  "+field+": false\n")
		if plan, err := For(object, desired, there); err != nil || plan.said() != "" {
			t.Errorf("with %s: false: got %q, %v", field, plan.said(), err)
		}
	}
}

func TestWhatIsThereIsReadAsTheAPIServerWritesIt(t *testing.T) {
	for _, row := range []struct {
		there, wanted string
		holds         bool
	}{
		{`{a: 1, b: 2}`, `{a: 1}`, true},
		{`{a: 1}`, `{a: 1, b: 2}`, false},
		{`{}`, `{a: "", b: 0, c: false, d: {}, e: [], f: {g: ""}, h: null}`, true}, // what is empty is left out
		{`{}`, `{a: {b: 1}}`, false},
		{`{cpu: 500m, memory: 64Mi}`, `{cpu: 0.5, memory: "67108864"}`, true},
		{`{cpu: "1"}`, `{cpu: 1}`, true},
		{`{cpu: 500m}`, `{cpu: 501m}`, false},
		{`{sum: "7e14837132357777"}`, `{sum: "8e14837132357777"}`, false}, // a checksum that looks like a quantity which takes hours to read
		{`{image: "a:1"}`, `{image: "a:2"}`, false},
		{`{l: [{name: b, v: 2, w: 3}, {name: a, v: 1}]}`, `{l: [{name: a, v: 1}, {name: b, v: 2}]}`, true},
		{`{l: [{name: a, v: 1}]}`, `{l: [{name: a, v: 1}, {name: b}]}`, false},
		{`{l: [{name: a, v: 2}]}`, `{l: [{name: a, v: 1}]}`, false},
		{`{l: [{name: v, at: a}, {name: v, at: b}]}`, `{l: [{name: v, at: a}, {name: v, at: b}]}`, true}, // a volume is mounted twice
		{`{l: [{name: v, at: a}, {name: v, at: c}]}`, `{l: [{name: v, at: a}, {name: v, at: b}]}`, false},
		{`{l: [a, b]}`, `{l: [a, b]}`, true},
		{`{l: [b, a]}`, `{l: [a, b]}`, false},
		{`{l: [a, b]}`, `{l: [a]}`, false},
		{`{l: [a]}`, `{l: []}`, false},
		{`{l: a}`, `{l: [a]}`, false},
		{`{l: a}`, `{l: {b: 1}}`, false},
	} {
		var there, wanted map[string]any
		if err := errors.Join(yaml.Unmarshal([]byte(row.there), &there), yaml.Unmarshal([]byte(row.wanted), &wanted)); err != nil {
			t.Fatal(err)
		}
		if got := holds(there, wanted); got != row.holds {
			t.Errorf("%s holds %s: got %t", row.there, row.wanted, got)
		}
	}
}
