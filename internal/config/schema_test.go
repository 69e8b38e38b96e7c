package config

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

const schemaPage = "../../docs/config.schema.json"

func TestReferenceSchemaIsUpToDate(t *testing.T) {
	want := Schema()
	if *update {
		if err := os.WriteFile(schemaPage, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(schemaPage)
	if err != nil {
		t.Fatal(err)
	}
	if err := stale(schemaPage, string(text), string(want)); err != nil {
		t.Error(err)
	}
}

// validator is what an editor would check with.
func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("config.schema.json")
	if err != nil {
		t.Fatalf("the schema is none: %v", err)
	}
	return compiled
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v of %s", err, text)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

// TestTheSchemaAllowsWhatTheRulesAllow takes the pieces that the rules are tested with. It is stricter in two things, of
// which nobody has a use in a file: null, and the settings of a port that is not opened.
func TestTheSchemaAllowsWhatTheRulesAllow(t *testing.T) {
	schema := validator(t)
	for _, rule := range rules {
		for _, piece := range rule.keeps {
			if strings.Contains(piece, "null") || strings.Contains(piece, "enabled: false") {
				continue
			}
			if err := validate(t, schema, piece); err != nil {
				t.Errorf("%s: it refuses %s: %v", rule.key, piece, err)
			}
		}
	}
}

// beyond are the keys, or their last names, some of whose rules no schema says: they are about another key, or about what
// the text means.
var beyond = map[string]bool{
	"maxReplicas": true, "interval": true, "startTime": true, "requestTimeout": true, "initialReadinessDelay": true, "cpuInitializationPeriod": true,
	"metric": true, "evaluate": true, "kubernetesMetricSpecs": true, "scaleTargetRef.apiVersion": true,
	"apiConfig.certFile": true, "apiConfig.keyFile": true, "apiConfig.accessPrefix": true, "apiConfig.probePort": true, "metric.timeout": true, "metric.worker.startTimeout": true,
	"metric.http.method": true, "metric.http.url": true, "metric.http.headers": true, "selector": true, "averageValue": true, "value": true,
	"record.maxSize": true, "metricTimeout": true,
}

func TestTheSchemaRefusesWhatTheRulesRefuse(t *testing.T) {
	schema := validator(t)
	for _, rule := range rules {
		for _, piece := range rule.broke {
			last := rule.key[strings.LastIndex(rule.key, ".")+1:]
			if !beyond[rule.key] && !beyond[last] && validate(t, schema, piece) == nil {
				t.Errorf("%s: it allows %s", rule.key, piece)
			}
		}
	}
}

func TestTheSchemaRefusesWhatIsUnknownOrOfTheWrongShape(t *testing.T) {
	schema := validator(t)
	for _, row := range []struct{ name, text string }{
		{"a key with a typo", "minReplcas: 2"},
		{"a key with a typo inside", "metric: {type: shell, shell: {comand: [a]}}"},
		{"a key with a typo in a metric", "kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, traget: {}, target: {type: Utilization}}}]"},
		{"text for a number", "interval: soon"},
		{"a number with a part", "interval: 1.5"},
		{"text for an object", "metric: echo"},
		{"a list for an object", "[]"},
		{"text for a list", "metric: {type: shell, shell: {command: echo}}"},
		{"a hook that proposes", "preMetric: {type: hpa}"},
		{"a header that is an object", "metric: {type: http, http: {method: GET, url: http://a, parameterMode: body, headers: {X: {}}}}"},
		{"a quantity that is none", "kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: lots}}}]"},
		{"a selector that is a list", "kubernetesMetricSpecs: [{type: External, external: {metric: {name: q, selector: []}, target: {type: Value}}}]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := validate(t, schema, row.text); err == nil {
				t.Errorf("it allows %s", row.text)
			}
		})
	}
}

func TestTheSchemaAllowsWhatIsShipped(t *testing.T) {
	schema := validator(t)
	files, err := filepath.Glob("../../examples/*/config.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range append(files, "../../README.md", page) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range configurations(file, string(text)) {
			if err := validate(t, schema, piece); err != nil {
				t.Errorf("%s: %v of\n%s", file, err, piece)
			}
		}
	}
}

// configurations are what a file has of them: a page has several, and objects of Kubernetes besides.
func configurations(name, text string) (found []string) {
	if filepath.Ext(name) != ".md" {
		return []string{text}
	}
	for _, block := range regexp.MustCompile("(?s)```(?:yaml|json)\n(.*?)```").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(block[1], "\nkind: ") {
			found = append(found, block[1])
		}
	}
	return found
}
