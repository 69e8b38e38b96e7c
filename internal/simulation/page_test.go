package simulation

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// keysOf are the keys of a struct's fields, those of its parts as well.
func keysOf(of reflect.Type, before string) (keys []string) {
	for i := range of.NumField() {
		field := of.Field(i)
		key := before + field.Tag.Get("json")
		if field.Type.Kind() == reflect.Struct && field.Type.PkgPath() == reflect.TypeFor[Settings]().PkgPath() && field.Type != reflect.TypeFor[Use]() {
			keys = append(keys, keysOf(field.Type, key+".")...)
		} else {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestThePageNamesEverything(t *testing.T) {
	page, err := os.ReadFile("../../docs/simulation.md")
	if err != nil {
		t.Fatal(err)
	}
	names := append(keysOf(reflect.TypeFor[Settings](), ""), figureNames()...)
	for series := range tellers {
		names = append(names, series)
	}
	for _, name := range names {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/simulation.md does not name %s", name)
		}
	}
	if len(names) < 30 {
		t.Errorf("only %d names were looked for", len(names))
	}
	example, err := os.ReadFile("../../examples/k8s-metrics-cpu/simulation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, shown, _ := strings.Cut(string(example), "reads it.\n"); !strings.Contains(string(page), shown) {
		t.Error("docs/simulation.md does not show the example's simulation as it is")
	}
}
