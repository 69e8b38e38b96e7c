package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
)

// Schema is the JSON Schema (draft 2020-12) of a configuration file, made from the tables of keys: what an editor
// completes, explains and checks. Whether a key is there at all is not asked of the file's top, since the environment
// may say it.
func Schema() []byte {
	config, record := Default(), &Record{}
	record.SetDefaults()
	top := shapeOfType(reflect.TypeFor[Config]())
	describe(top, configKeys, &config)
	top.Required = nil
	describe(top.Properties["scaleTargetRef"], targetKeys, &autoscalingv2.CrossVersionObjectReference{})
	describe(top.Properties["apiConfig"], apiKeys, &config.APIConfig)
	describe(top.Properties["record"], recordKeys, record)
	describe(top.Properties["customPodAutoscaler"], ownerKeys, &Owner{})
	describeSpecs(top.Properties["kubernetesMetricSpecs"].Items)
	if sources := top.Properties["metricSources"]; sources != nil {
		describeSources(sources.Items)
	}
	top.Properties["evaluate"].Ref = "#/$defs/evaluate"
	top.Defs = map[string]*rule.Schema{"method": methodSchema("preMetric"), "evaluate": methodSchema("evaluate")}
	top.Version, top.Title = "https://json-schema.org/draft/2020-12/schema", "Configuration of a Custom Pod Autoscaler"
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // a default that is no JSON: a mistake of the tables
	}
	return append(text, '\n')
}

// methodSchema is a method of that name, of the kinds that it may be of.
func methodSchema(name string) *rule.Schema {
	m, allowed := &Method{}, kinds(name)
	m.SetDefaults()
	s := objectOf(reflect.TypeFor[Method]())
	describe(s, methodKeys, m)
	for name, kind := range kindsOf[method.Kind](m) {
		if !slices.Contains(allowed, name) {
			delete(s.Properties, name)
			continue
		}
		describe(s.Properties[name], kind.Description().Keys, fresh(kind))
	}
	kind := s.Properties["type"]
	kind.Enum, kind.Description = allowed, "how the program is run; must be "+strings.Join(allowed, " or ")
	return s
}

func describeSpecs(s *rule.Schema) {
	describe(s, specKeys, &metricSpec{})
	for _, of := range kubernetes.Types() {
		describe(s.Properties[of.Block], of.Keys, freshSettings(of))
	}
}

// describe adds to the shape of an object what its table of keys says. A key whose rule the defaults break is required.
func describe(object *rule.Schema, keys []rule.Key, defaults any) {
	for _, k := range keys {
		at := object.At(k.Name)
		at.Description = k.Meaning
		if words := k.Rule.String(); words != "" {
			at.Description += "; " + words
		}
		at.Default = defaultOf(rule.Field(defaults, k.Name))
		k.Rule.Describe(object, k.Name)
		if !k.Rule.Holds(defaults, k.Name) {
			object.Require(k.Name)
		}
	}
}

// defaultOf is what a key has that is left out, where that is something.
func defaultOf(value reflect.Value) any {
	switch kind := value.Kind(); {
	case kind == reflect.Bool, value.CanInt(), value.CanFloat():
		return value.Interface()
	case value.IsZero(), kind == reflect.Struct:
		return nil
	}
	return value.Interface()
}

// quantityPattern is a number with a suffix; the program's own reading is more exact.
const quantityPattern = `^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$`

// shapeOfType is what values of a type look like in a file, as read reads them.
func shapeOfType(of reflect.Type) *rule.Schema {
	switch of {
	case reflect.TypeFor[Method]():
		return &rule.Schema{Ref: "#/$defs/method"}
	case reflect.TypeFor[span.Milliseconds](), reflect.TypeFor[span.Seconds]():
		return &rule.Schema{Type: []string{"integer", "string"}, Pattern: span.Pattern}
	case reflect.TypeFor[resource.Quantity]():
		return &rule.Schema{Type: []string{"string", "number"}, Pattern: quantityPattern}
	case reflect.TypeFor[metav1.LabelSelector]():
		return &rule.Schema{AnyOf: []*rule.Schema{{Type: "string"}, objectOf(of)}}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return shapeOfType(of.Elem())
	case reflect.Struct:
		return objectOf(of)
	case reflect.Slice:
		return &rule.Schema{Type: "array", Items: shapeOfType(of.Elem())}
	case reflect.Map:
		return &rule.Schema{Type: "object", Additional: shapeOfType(of.Elem())}
	case reflect.Bool:
		return &rule.Schema{Type: "boolean"}
	case reflect.String:
		return &rule.Schema{Type: []string{"string", "number", "boolean"}} // which are read as text
	case reflect.Float64:
		return &rule.Schema{Type: "number"}
	}
	return &rule.Schema{Type: "integer"}
}

func objectOf(of reflect.Type) *rule.Schema {
	s := &rule.Schema{Type: "object", Properties: map[string]*rule.Schema{}, Additional: false}
	for name, i := range rule.Fields(of) {
		s.Properties[name] = shapeOfType(of.Field(i).Type)
	}
	return s
}
