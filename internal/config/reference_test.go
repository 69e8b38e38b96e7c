package config

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"text/template"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/kinds"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/direct"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
)

const page = "../../docs/configuration.md"

var update = flag.Bool("update", false, "write docs/configuration.md")

//go:embed configuration.md.tmpl
var words string

// row is one key as the reference page has it.
type row struct{ name, shape, fallback, meaning, rule string }

type table struct {
	under string // where such an object can be found, for tests of its rules
	of    reflect.Type
	rows  []row
}

// tables are all tables of keys, by the names that the template calls them.
func tables() map[string]table {
	anyMethod := &Method{}
	anyMethod.SetDefaults()
	config, record := Default(), &Record{}
	record.SetDefaults()
	all := map[string]table{
		"keys":   tableOf("", configKeys, &config),
		"target": tableOf("scaleTargetRef.", targetKeys, &autoscalingv2.CrossVersionObjectReference{}),
		"api":    tableOf("apiConfig.", apiKeys, &config.APIConfig),
		"record": tableOf("record.", recordKeys, record),
		"owner":  tableOf("customPodAutoscaler.", ownerKeys, &Owner{}),
		"method": tableOf("metric.", kinds.MethodKeys, anyMethod),

		"spec": tableOf("kubernetesMetricSpecs[0].", specKeys, &metricSpec{}),
	}
	for _, of := range kubernetes.Types() {
		all[of.Block] = tableOf("kubernetesMetricSpecs[0]."+of.Block+".", of.Keys, freshSettings(of))
	}
	for name, of := range kinds.Of[direct.Kind](&kinds.Source{}) {
		all["source "+name] = tableOf("metricSources[0]."+name+".", of.Description().Keys, kinds.Fresh(of))
	}
	if (Sources{}).Offered() {
		all["source"] = tableOf("metricSources[0].", kinds.SourceKeys(), kinds.Fresh(&kinds.Source{}))
		all["source target"] = tableOf("metricSources[0].target.", kinds.SourceTargetKeys, &kinds.SourceTarget{})
	}
	for name, kind := range kinds.Of[method.Kind](anyMethod) {
		of := cmp.Or(kind.Description().Only, "metric")
		all[name] = tableOf(of+"."+name+".", kind.Description().Keys, kinds.Fresh(kind))
	}
	return all
}

// sections are what the page has of each kind of method: the words are in the kind's folder, where there are any, with a place for the
// table of its keys.
func sections(tables map[string]table) string {
	var all []string
	for name := range kinds.Of[method.Kind](&Method{}) {
		words, err := os.ReadFile(filepath.Join("..", "method", name, "reference.md.tmpl"))
		if err != nil {
			words = []byte("{{table}}\n")
		}
		all = append(all, "### "+name+"\n\n"+strings.Replace(string(words), "{{table}}", tables[name].String(), 1))
	}
	return strings.TrimSuffix(strings.Join(all, "\n"), "\n")
}

// specSections are what the page has of each type of Kubernetes metric.
func specSections(tables map[string]table) string {
	var all []string
	for _, of := range kubernetes.Types() {
		all = append(all, fmt.Sprintf("With type `%s`, under `%s`:\n\n%s", of.Name, of.Block, tables[of.Block]))
	}
	return strings.Join(all, "\n\n")
}

// sourceSections are what the page has of the sources that are read directly: nothing, where there is no kind of them.
func sourceSections(tables map[string]table) string {
	if !(Sources{}).Offered() {
		return ""
	}
	text := "## Metric sources\n\n`metricSources` is a list of metrics that the autoscaler reads by itself.\n\n" + tables["source"].String() +
		"\n\nUnder `target`:\n\n" + tables["source target"].String() + "\n\n"
	for _, name := range kinds.SourceNames() {
		text += "### " + name + "\n\n" + tables["source "+name].String() + "\n\n"
	}
	return text
}

func tableOf(under string, keys []rule.Key, defaults any) table {
	t := table{under: under, of: reflect.TypeOf(defaults).Elem()}
	for _, k := range keys {
		t.rows = append(t.rows, rowOf(k, defaults))
	}
	return t
}

func rowOf(k rule.Key, defaults any) row {
	value := rule.Field(defaults, k.Name)
	fallback := ""
	if text, _ := json.Marshal(value.Interface()); !value.IsZero() || value.Kind() == reflect.Bool || value.CanInt() {
		fallback = "`" + string(text) + "`"
	}
	if value.Kind() == reflect.Struct {
		fallback = "see below"
	}
	return row{k.Name, shapeInWords(k.Name, value.Type()), fallback, k.Meaning, k.Rule.String()}
}

// shapeInWords is what a value of a type looks like; the settings of a kind have a section of their own.
func shapeInWords(name string, of reflect.Type) string {
	if of.Implements(reflect.TypeFor[method.Kind]()) || of.Implements(reflect.TypeFor[direct.Kind]()) {
		return "[object](#" + name + ")"
	}
	return shapes[of]
}

// shapes are the types in a reader's words.
var shapes = map[reflect.Type]string{
	reflect.TypeFor[string]():                                       "text",
	reflect.TypeFor[bool]():                                         "true or false",
	reflect.TypeFor[int]():                                          "whole number",
	reflect.TypeFor[int32]():                                        "whole number",
	reflect.TypeFor[int64]():                                        "whole number",
	reflect.TypeFor[*int32]():                                       "whole number",
	reflect.TypeFor[span.Milliseconds]():                            "milliseconds",
	reflect.TypeFor[span.Seconds]():                                 "seconds",
	reflect.TypeFor[[]string]():                                     "list of text",
	reflect.TypeFor[[]int]():                                        "list of whole numbers",
	reflect.TypeFor[map[string]string]():                            "names and text",
	reflect.TypeFor[*Method]():                                      "[method](#methods)",
	reflect.TypeFor[float64]():                                      "number",
	reflect.TypeFor[API]():                                          "[object](#rest-api)",
	reflect.TypeFor[*Record]():                                      "[object](#record)",
	reflect.TypeFor[*Owner]():                                       "[object](#custompodautoscaler)",
	reflect.TypeFor[*autoscalingv2.CrossVersionObjectReference]():   "[object](#target)",
	reflect.TypeFor[[]metricSpec]():                                 "[list](#kubernetes-metrics)",
	reflect.TypeFor[Sources]():                                      "[list](#metric-sources)",
	reflect.TypeFor[*kinds.SourceTarget]():                          "object",
	reflect.TypeFor[*autoscalingv2.ResourceMetricSource]():          "object",
	reflect.TypeFor[*autoscalingv2.ContainerResourceMetricSource](): "object",
	reflect.TypeFor[*autoscalingv2.PodsMetricSource]():              "object",
	reflect.TypeFor[*autoscalingv2.ObjectMetricSource]():            "object",
	reflect.TypeFor[*autoscalingv2.ExternalMetricSource]():          "object",
	reflect.TypeFor[*metav1.LabelSelector]():                        "label selector",
	reflect.TypeFor[autoscalingv2.MetricSourceType]():               "text",
	reflect.TypeFor[autoscalingv2.MetricTargetType]():               "text",
	reflect.TypeFor[*resource.Quantity]():                           "quantity",
	reflect.TypeFor[corev1.ResourceName]():                          "text",
}

func (t table) String() string {
	text := "| key | type | default | what it is | rule |\n|---|---|---|---|---|\n"
	for _, r := range t.rows {
		text += fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", r.name, r.shape, r.fallback, r.meaning, strings.TrimPrefix(r.rule, "must be "))
	}
	return strings.TrimSuffix(text, "\n")
}

// reference is docs/configuration.md as it should be.
func reference(t *testing.T, words string, tables map[string]table) string {
	t.Helper()
	functions := template.FuncMap{
		"table": func(name string) (string, error) {
			if len(tables[name].rows) == 0 {
				return "", fmt.Errorf("there is no table %q", name)
			}
			return tables[name].String(), nil
		},
		"kinds":   func() string { return sections(tables) },
		"specs":   func() string { return specSections(tables) },
		"sources": func() string { return sourceSections(tables) },
		// What the autoscaler says of a configuration: quoted from the program, so that it stays true.
		"said": func(piece string, environ ...string) string {
			got := load(t, piece, environ...)
			if got.err == nil {
				return strings.Join(got.Warnings, "\n")
			}
			return got.text
		},
	}
	var text strings.Builder
	if err := template.Must(template.New("page").Funcs(functions).Parse(words)).Execute(&text, nil); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// stale says where a page differs from what it should be, if it does.
func stale(name, page, want string) error {
	if page == want {
		return nil
	}
	lines, wanted := strings.Split(page, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(lines) && i < len(wanted) && lines[i] == wanted[i] {
		i++
	}
	return fmt.Errorf("%s is stale from line %d: run `make update-docs`", name, i+1)
}

func TestReferenceIsUpToDate(t *testing.T) {
	want := reference(t, words, tables())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if err := stale(page, string(text), want); err != nil {
		t.Error(err)
	}
}

// A check that cannot fail is none: a word changed in a table, or a line in the page, has to show.
func TestAStaleReferenceIsNoticed(t *testing.T) {
	want := reference(t, words, tables())
	changed := tables()
	changed["keys"].rows[0].meaning += " "
	for name, page := range map[string]string{
		"a changed table": reference(t, words, changed), "a changed page": strings.Replace(want, "\n", "\n\n", 1), "half a page": want[:len(want)/2], "no page": "",
	} {
		if stale(name, page, want) == nil {
			t.Errorf("%s is not noticed", name)
		}
	}
	if err := stale(page, want, want); err != nil {
		t.Errorf("what is as it should be: %v", err)
	}
}

func TestEveryKeyHasWords(t *testing.T) {
	for _, table := range tables() {
		for _, row := range table.rows {
			if row.shape == "" || row.meaning == "" {
				t.Errorf("%s%s has no type or no meaning in words", table.under, row.name)
			}
		}
	}
}

// Every example works as it stands, but for the required keys that a piece of a file leaves out. What an object of
// kind CustomPodAutoscaler has under config is given as the environment, as the operator does.
func TestExamplesOfTheReference(t *testing.T) {
	text := reference(t, words, tables())
	examples := regexp.MustCompile("(?s)```(yaml|json)\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(examples) < 8 {
		t.Fatalf("found %d examples: has the way they are fenced changed?", len(examples))
	}
	for _, example := range examples {
		piece, environ := example[2], []string(nil)
		var object struct {
			Kind string
			Spec struct {
				Config []struct{ Name, Value string }
			}
		}
		if err := yaml.Unmarshal([]byte(piece), &object); err != nil {
			t.Fatal(err)
		}
		if object.Kind != "" {
			piece = ""
			for _, entry := range object.Spec.Config {
				environ = append(environ, entry.Name+"="+entry.Value)
			}
		}
		if example[1] == "yaml" {
			piece = complete(t, piece)
		}
		got := load(t, piece, environ...)
		wantLines(t, "problems and warnings of\n"+example[2], append(got.problems, got.Warnings...), nil)
	}
}

// The examples that are shipped are whole, but for the target: that the operator tells.
func TestShippedExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		got, err := Load(file, []string{"scaleTargetRef={apiVersion: apps/v1, kind: Deployment, name: web}"})
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		wantLines(t, "warnings of "+file, got.Warnings, nil)
	}
}
