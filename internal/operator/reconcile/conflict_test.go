package reconcile

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

// objects is a cache of objects, found by the index of their targets.
type objects struct {
	client.Client
	all []cpav1.CustomPodAutoscaler
}

func (o objects) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	var asked client.ListOptions
	asked.ApplyOptions(options)
	wanted, _ := asked.FieldSelector.RequiresExactMatch(plan.ByTarget)
	list := into.(*cpav1.CustomPodAutoscalerList)
	for _, one := range o.all {
		if one.Namespace == asked.Namespace && plan.ScaledByObject(&one).Index() == wanted {
			list.Items = append(list.Items, one)
		}
	}
	return nil
}

// scales is an object that scales a target, made so many seconds after noon.
func scales(name, uid string, seconds int, ref cpav1.TargetReference) cpav1.CustomPodAutoscaler {
	return cpav1.CustomPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(uid), CreationTimestamp: metav1.Date(2026, 1, 1, 12, 0, seconds, 0, time.UTC)},
		Spec:       cpav1.Spec{ScaleTargetRef: ref},
	}
}

func TestConflict(t *testing.T) {
	web := cpav1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	its := scales("mine", "b", 5, web)
	ignoring := func(object cpav1.CustomPodAutoscaler) cpav1.CustomPodAutoscaler {
		object.Annotations = map[string]string{cpav1.IgnoreConflicts: "true"}
		return object
	}
	elsewhere := scales("older", "a", 1, web)
	elsewhere.Namespace = "other"
	for _, row := range []struct {
		name   string
		object cpav1.CustomPodAutoscaler
		others []cpav1.CustomPodAutoscaler
		known  map[plan.Scaled]string
		want   string
	}{
		{"alone", its, nil, nil, ""},
		{"an older one", its, []cpav1.CustomPodAutoscaler{scales("older", "a", 1, web)}, nil, `CustomPodAutoscaler "older", which is older`},
		{"a younger one", its, []cpav1.CustomPodAutoscaler{scales("younger", "a", 9, web)}, nil, ""},
		{"one of the same age, and a smaller uid", its, []cpav1.CustomPodAutoscaler{scales("twin", "a", 5, web)}, nil, `"twin"`},
		{"one of the same age, and a larger uid", its, []cpav1.CustomPodAutoscaler{scales("twin", "c", 5, web)}, nil, ""},
		{"an older one that spells it otherwise", its, []cpav1.CustomPodAutoscaler{scales("older", "a", 1, cpav1.TargetReference{APIVersion: "apps/v1beta2", Kind: "deployment", Name: "web"})}, nil, `"older"`},
		{"an older one of another group", its, []cpav1.CustomPodAutoscaler{scales("older", "a", 1, cpav1.TargetReference{APIVersion: "example.com/v1", Kind: "Deployment", Name: "web"})}, nil, ""},
		{"an older one of another target", its, []cpav1.CustomPodAutoscaler{scales("older", "a", 1, cpav1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "api"})}, nil, ""},
		{"an older one in another namespace", its, []cpav1.CustomPodAutoscaler{elsewhere}, nil, ""},
		{"an older one that does not count", its, []cpav1.CustomPodAutoscaler{ignoring(scales("older", "a", 1, web))}, nil, ""},
		{"an older one, and whoever wrote it knows", ignoring(its), []cpav1.CustomPodAutoscaler{scales("older", "a", 1, web)}, nil, ""},
		{"a HorizontalPodAutoscaler", its, nil, map[plan.Scaled]string{plan.ScaledByObject(&its): `HorizontalPodAutoscaler "web"`}, `HorizontalPodAutoscaler "web"`},
		{"one in another namespace", its, nil, map[plan.Scaled]string{plan.ScaledBy("other", "apps/v1", "Deployment", "web"): `HorizontalPodAutoscaler "web"`}, ""},
		{"one, and whoever wrote it knows", ignoring(its), nil, map[plan.Scaled]string{plan.ScaledByObject(&its): `HorizontalPodAutoscaler "web"`}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			rival := func(_ context.Context, target plan.Scaled) string { return row.known[target] }
			r := &Reconciler{Client: objects{all: append(row.others, row.object)}, Rival: rival}
			got, err := r.conflict(t.Context(), &row.object)
			if err != nil || !strings.Contains(got, row.want) || (got == "") != (row.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, row.want)
			}
		})
	}
}

func TestSiblings(t *testing.T) {
	web := cpav1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	one := scales("one", "a", 1, web)
	all := objects{all: []cpav1.CustomPodAutoscaler{one, scales("two", "b", 2, web), scales("api", "c", 3, cpav1.TargetReference{Kind: "Deployment", Name: "api"})}}
	if got := Siblings(t.Context(), all, &one); len(got) != 1 || got[0].Name != "two" {
		t.Errorf("got %v", got)
	}
}
