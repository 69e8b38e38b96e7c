package plan

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
)

// TestClaimantsMayBeListed compares the kinds whose selectors are read with the rights to list them.
func TestClaimantsMayBeListed(t *testing.T) {
	all := rights.Select(rights.Operator, rights.Labels)
	if len(all) != len(Claimants) {
		t.Fatalf("there are %d rights for %d kinds", len(all), len(Claimants))
	}
	for i, kind := range Claimants {
		resource, _ := meta.UnsafeGuessKindToResource(kind)
		if got := all[i].Of(rights.About{}); got != resource.GroupResource() || all[i].Verb != "list" {
			t.Errorf("the right for %s is to %s %s", kind.Kind, all[i].Verb, got)
		}
	}
}

// TestMadeKindsHaveTheirRights compares the kinds that are made with the rights to read and to write them.
func TestMadeKindsHaveTheirRights(t *testing.T) {
	verbs := map[string]bool{}
	for _, call := range rights.Select(rights.Operator, rights.Objects) {
		verbs[call.Of(rights.About{}).String()+" "+call.Verb] = true
	}
	for _, kind := range Made {
		resource, _ := meta.UnsafeGuessKindToResource(kind)
		wanted := []string{"get", "list", "watch", "create", "patch"}
		if kind == Workloads[1] { // it is only deleted
			wanted = []string{"get", "list", "watch", "delete"}
		}
		for _, verb := range wanted {
			if right := resource.GroupResource().String() + " " + verb; !verbs[right] {
				t.Errorf("the right to %s is missing", right)
			}
		}
	}
}
