package v1

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/yaml"
)

const page = "../../docs/custompodautoscaler.md"

//go:embed custompodautoscaler.md.tmpl
var words string

// field is what the definition says of a field, as far as the page tells it.
type field struct {
	Type, Description, Format, Pattern string
	Default                            any
	MinLength                          int
	Properties                         map[string]field
	Items                              *field
	Required                           []string
}

// ofDefinition is what is said of one part of the object: "spec", "status".
func ofDefinition(t *testing.T, part string) field {
	t.Helper()
	text, err := os.ReadFile(definition)
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema field }
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil || len(crd.Spec.Versions) != 1 {
		t.Fatalf("%s: %v", definition, err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties[part]
}

// rows are a field and those in it, as lines of a table.
func (f field) rows(under string) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(f.Properties)) {
		one := f.Properties[name]
		required := ""
		if slices.Contains(f.Required, name) {
			required = "required"
		} else if one.Default != nil {
			text, _ := json.Marshal(one.Default) // of a document, so that it can be written as one
			required = "`" + string(text) + "`"
		}
		inside := one
		kind := cmp.Or(one.Format, one.Type)
		if one.Items != nil {
			name, inside = name+"[]", *one.Items
		}
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %s |", under+name, kind, required, strings.ReplaceAll(one.Description, "\n", " ")))
		lines = append(lines, inside.rows(under+name+".")...)
	}
	return lines
}

// reference is docs/custompodautoscaler.md as it should be.
func reference(t *testing.T, parts map[string]field) string {
	t.Helper()
	functions := template.FuncMap{"table": func(part string) (string, error) {
		rows := parts[part].rows("")
		if len(rows) == 0 {
			return "", fmt.Errorf("there is nothing about %q", part)
		}
		return "| field | type | default | what it is |\n|---|---|---|---|\n" + strings.Join(rows, "\n"), nil
	}}
	var text strings.Builder
	if err := template.Must(template.New("page").Funcs(functions).Parse(words)).Execute(&text, nil); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestReferenceIsUpToDate(t *testing.T) {
	want := reference(t, map[string]field{"spec": ofDefinition(t, "spec"), "status": ofDefinition(t, "status")})
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(page); err != nil || string(text) != want {
		t.Errorf("docs/custompodautoscaler.md is stale: run `make update-docs` (%v)", err)
	}
}

func TestEveryFieldHasWords(t *testing.T) {
	for _, part := range []string{"spec", "status"} {
		for _, row := range ofDefinition(t, part).rows("") {
			if strings.HasSuffix(row, "|  |") {
				t.Errorf("nothing is said about %s", row)
			}
		}
	}
}
