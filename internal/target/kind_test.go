package target

import (
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestScalableResourceIsThatOfAKindThatCanBeScaled(t *testing.T) {
	served := []metav1.APIResource{
		{Name: "webs", Kind: "Web", Namespaced: true}, {Name: "webs/status", Kind: "Web", Namespaced: true},
		{Name: "webs/scale", Kind: "Scale", Namespaced: true},
		{Name: "notes", Kind: "Note", Namespaced: true},
		{Name: "globes", Kind: "Globe"}, {Name: "globes/scale", Kind: "Scale"},
	}
	for _, row := range []struct{ name, kind, want, error string }{
		{"it is there", "Web", "webs", ""},
		{"it cannot be scaled", "Note", "", "serves Note without a scale subresource"},
		{"it is not in namespaces", "Globe", "", "has Globe outside of namespaces"},
		{"it is misspelt", "web", "", `has no kind "web"; it can scale: Web`},
		{"it is the scale itself", "Scale", "", `has no kind "Scale"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := scalableResource(served, row.kind)
			if got != row.want || (err == nil) != (row.error == "") || err != nil && !strings.Contains(err.Error(), row.error) {
				t.Errorf("got %q, %v; want %q, %q", got, err, row.want, row.error)
			}
		})
	}
	if _, err := scalableResource(nil, "Web"); err == nil || !strings.Contains(err.Error(), "it can scale: nothing") {
		t.Errorf("got %v of a group that serves nothing", err)
	}
}

func TestASelectorIsNeverEveryPod(t *testing.T) {
	for _, row := range []struct {
		name, text string
		selects    bool
		fails      bool
	}{
		{"labels", "app=web", true, false},
		{"a set", "tier in (web,api),!canary", true, false},
		{"none", "", false, false},
		{"blanks", "  ", false, false},
		{"rubbish", "app in", false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			selector, err := selectorOf(autoscalingv1.Scale{Status: autoscalingv1.ScaleStatus{Selector: row.text}})
			if (selector != nil) != row.selects || (err != nil) != row.fails {
				t.Errorf("got %v, %v", selector, err)
			}
		})
	}
}
