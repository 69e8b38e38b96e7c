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
)

// Schema is the JSON Schema (draft 2020-12) of a configuration file, made from the tables of keys: what an editor
// completes, explains and checks. Whether a key is there at all is not asked of the file's top, since the environment
// may say it.
func Schema() []byte {
	config, record := Default(), &Record{}
	record.setDefaults()
	top := shapeOfType(reflect.TypeFor[Config]())
	describe(top, configKeys, &config)
	top.Required = nil
	describe(top.Properties["scaleTargetRef"], targetKeys, &autoscalingv2.CrossVersionObjectReference{})
	describe(top.Properties["apiConfig"], apiKeys, &config.APIConfig)
	describe(top.Properties["record"], recordKeys, record)
	describe(top.Properties["customPodAutoscaler"], ownerKeys, &Owner{})
	describeSpecs(top.Properties["kubernetesMetricSpecs"].Items)
	top.Properties["evaluate"].Ref = "#/$defs/evaluate"
	top.Defs = map[string]*rule.Schema{"method": methodSchema(), "evaluate": evaluateSchema()}
	top.Version, top.Title = "https://json-schema.org/draft/2020-12/schema", "Configuration of a Custom Pod Autoscaler"
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // a default that is no JSON: a mistake of the tables
	}
	return append(text, '\n')
}

// methodSchema is every method but evaluate, which alone may be of the type hpa.
func methodSchema() *rule.Schema {
	method := evaluateSchema()
	kind := method.Properties["type"]
	kind.Enum = slices.DeleteFunc(kind.Enum, func(name string) bool { return name == HPAMethod })
	kind.Description = strings.TrimSuffix(kind.Description, " or "+HPAMethod)
	delete(method.Properties, HPAMethod)
	return method
}

func evaluateSchema() *rule.Schema {
	method, shell, http, worker, hpa := &Method{}, &Shell{}, &HTTP{}, &Worker{}, &HPA{}
	method.setDefaults()
	shell.setDefaults()
	http.setDefaults()
	worker.setDefaults()
	hpa.setDefaults()
	s := objectOf(reflect.TypeFor[Method]())
	describe(s, methodKeys, method)
	describe(s.Properties["shell"], shellKeys, shell)
	describe(s.Properties["http"], httpKeys, http)
	describe(s.Properties["worker"], workerKeys, worker)
	describe(s.Properties["hpa"], hpaKeys, hpa)
	return s
}

func describeSpecs(s *rule.Schema) {
	describe(s, specKeys, &metricSpec{})
	describe(s.Properties["resource"], resourceKeys, &resourceSource{})
	describe(s.Properties["containerResource"], containerResourceKeys, &containerResourceSource{})
	describe(s.Properties["pods"], podsKeys, &podsSource{})
	describe(s.Properties["object"], objectKeys, &objectSource{})
	describe(s.Properties["external"], externalKeys, &externalSource{})
}

// describe adds to the shape of an object what its table of keys says. A key whose rule the defaults break is required.
func describe[T any](object *rule.Schema, keys []key[T], defaults *T) {
	for _, k := range keys {
		at := object.At(k.name)
		at.Description = k.meaning
		if words := k.rule.String(); words != "" {
			at.Description += "; " + words
		}
		at.Default = defaultOf(rule.Field(defaults, k.name))
		k.rule.Describe(object, k.name)
		if !k.rule.Holds(defaults, k.name) {
			object.Require(k.name)
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
	for i, name := range rule.FieldNames(of) {
		s.Properties[name] = shapeOfType(of.Field(i).Type)
	}
	return s
}
