package decode

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// recipe is something to read.
type recipe struct {
	Name   string            `json:"name"`
	Eggs   int32             `json:"eggs"`
	Flour  resource.Quantity `json:"flour"`
	Steps  []step            `json:"steps"`
	Labels map[string]string `json:"labels"`
}

type step struct {
	Do   string `json:"do"`
	Heat int    `json:"heat"`
}

// SetDefaults has each step at room temperature.
func (s *step) SetDefaults() { s.Heat = 20 }

func fileOf(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "recipe.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAFileIsReadOverWhatIsThere(t *testing.T) {
	into := recipe{Name: "cake", Eggs: 3}
	has, err := File(fileOf(t, "Eggs: 4.0\nflour: 500m\nsteps: [{do: stir}, {do: bake, heat: 180}]\nlabels: {5: yes}\n"), "recipe", &into)
	if err != nil {
		t.Fatal(err)
	}
	if into.Name != "cake" || into.Eggs != 4 || into.Flour.String() != "500m" ||
		len(into.Steps) != 2 || into.Steps[0].Heat != 20 || into.Steps[1].Heat != 180 || into.Labels["5"] != "true" {
		t.Errorf("got %+v", into)
	}
	if !has("eggs") || !has("steps[1].heat") || has("name") || has("steps[0].heat") {
		t.Error("it does not know which keys the file has")
	}
}

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	name := fileOf(t, "eggs: many\nflower: 1\nsteps:\n  - do: [stir]\n")
	_, err := File(name, "recipe", &recipe{})
	want := `recipe has 3 problems:
  eggs: "many" is not allowed: must be a whole number of up to 32 bits (recipe.yaml line 1)
  flower: this key is not allowed: the recipe has none of this name; did you mean flour? (recipe.yaml line 2)
  steps[0].do: a list is not allowed: must be text (recipe.yaml line 4)`
	if err == nil || strings.ReplaceAll(err.Error(), filepath.Dir(name)+"/", "") != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestALedgerAsksForRulesInTheirOrder(t *testing.T) {
	keys := []rule.Key{
		{Name: "name", Meaning: "what it is", Rule: rule.NotEmpty()},
		{Name: "eggs", Meaning: "how many", Rule: rule.MoreThanZero()},
	}
	l := NewLedger("recipe.yaml", "recipe")
	l.Check("", keys[1:], &recipe{})
	l.Check("", keys[:1], &recipe{})
	want := `configuration has 2 problems:
  name: missing: what it is; must not be empty (set it in recipe.yaml or as the environment variable name)
  eggs: 0 is not allowed: must be more than 0 (default)`
	if err := l.Result("", keys); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if err := NewLedger("", "").Result("", keys); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}
