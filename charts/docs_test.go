package charts

import (
	"regexp"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const page = "../docs/installing.md"

// TestTheValuesOnThePageAreRight renders the chart with each that is shown.
func TestTheValuesOnThePageAreRight(t *testing.T) {
	t.Parallel()
	text := read(t, page)
	shown := regexp.MustCompile(`--set '?([^\s']+)|\x60([a-zA-Z.]+=[a-z]+)\x60|\x60([a-zA-Z]+: [a-z0-9]+)\x60`).FindAllStringSubmatch(text, -1)
	if len(shown) < 6 {
		t.Fatalf("only %q are found on the page", shown)
	}
	for _, match := range shown {
		set := strings.ReplaceAll(match[1]+match[2]+match[3], ": ", "=")
		if _, err := helm(t, "template", name, chart, "--set", set); err != nil {
			t.Errorf("%s: %v", set, err)
		}
	}
}

// TestTheRoleOnThePageIsWhatAnotherKindNeeds, and is added to the operator's.
func TestTheRoleOnThePageIsWhatAnotherKindNeeds(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(read(t, page))[1]
	role := as[rbacv1.ClusterRole](t, parse(t, block), "ClusterRole/"+name+"-workers")
	same(t, apart(role.Rules), handedOnOnlyFor(schema.GroupResource{Group: "example.com", Resource: "workers"}))
	whole := as[rbacv1.ClusterRole](t, render(t), "ClusterRole/"+name)
	for label, value := range whole.AggregationRule.ClusterRoleSelectors[0].MatchLabels {
		if role.Labels[label] != value {
			t.Errorf("it does not have the label %s: %s", label, value)
		}
	}
}
