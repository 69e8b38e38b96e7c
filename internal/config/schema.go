package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// jsonSchema is a JSON Schema, as far as one is needed to describe a configuration file.
type jsonSchema struct {
	Version     string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Ref         string `json:"$ref,omitempty"`

	Type      any      `json:"type,omitempty"`
	Default   any      `json:"default,omitempty"`
	Enum      []string `json:"enum,omitempty"`
	Const     string   `json:"const,omitempty"`
	Minimum   *int64   `json:"minimum,omitempty"`
	Maximum   *int64   `json:"maximum,omitempty"`
	MinLength int      `json:"minLength,omitempty"`
	Pattern   string   `json:"pattern,omitempty"`

	Items    *jsonSchema `json:"items,omitempty"`
	MinItems int         `json:"minItems,omitempty"`

	Properties        map[string]*jsonSchema `json:"properties,omitempty"`
	Additional        any                    `json:"additionalProperties,omitempty"` // false, or the schema of every value
	Required          []string               `json:"required,omitempty"`
	DependentRequired map[string][]string    `json:"dependentRequired,omitempty"`

	If    *jsonSchema            `json:"if,omitempty"`
	Then  *jsonSchema            `json:"then,omitempty"`
	AllOf []*jsonSchema          `json:"allOf,omitempty"`
	AnyOf []*jsonSchema          `json:"anyOf,omitempty"`
	Defs  map[string]*jsonSchema `json:"$defs,omitempty"`
}

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
	top.Defs = map[string]*jsonSchema{"method": methodSchema(), "evaluate": evaluateSchema()}
	top.Version, top.Title = "https://json-schema.org/draft/2020-12/schema", "Configuration of a Custom Pod Autoscaler"
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // a default that is no JSON: a mistake of the tables
	}
	return append(text, '\n')
}

// methodSchema is every method but evaluate, which alone may be of the type hpa.
func methodSchema() *jsonSchema {
	method := evaluateSchema()
	kind := method.Properties["type"]
	kind.Enum = slices.DeleteFunc(kind.Enum, func(name string) bool { return name == HPAMethod })
	kind.Description = strings.TrimSuffix(kind.Description, " or "+HPAMethod)
	delete(method.Properties, HPAMethod)
	return method
}

func evaluateSchema() *jsonSchema {
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

func describeSpecs(s *jsonSchema) {
	describe(s, specKeys, &metricSpec{})
	describe(s.Properties["resource"], resourceKeys, &resourceSource{})
	describe(s.Properties["containerResource"], containerResourceKeys, &containerResourceSource{})
	describe(s.Properties["pods"], podsKeys, &podsSource{})
	describe(s.Properties["object"], objectKeys, &objectSource{})
	describe(s.Properties["external"], externalKeys, &externalSource{})
}

// describe adds to the shape of an object what its table of keys says. A key whose rule the defaults break is required.
func describe[T any](object *jsonSchema, keys []key[T], defaults *T) {
	for _, k := range keys {
		at := object.at(k.name)
		at.Description = k.meaning
		if k.rule != "" {
			at.Description += "; " + k.rule
		}
		at.Default = defaultOf(fieldAt(defaults, k.name))
		applyRule(object, at, k.name, k.rule)
		if k.holds != nil && !k.holds(defaults) {
			object.require(k.name)
		}
	}
}

// at is the shape at a path of names.
func (s *jsonSchema) at(path string) *jsonSchema {
	for name := range strings.SplitSeq(path, ".") {
		s = s.Properties[name]
	}
	return s
}

// require asks for the last name of a path, and for each object that leads to it.
func (s *jsonSchema) require(path string) {
	for name := range strings.SplitSeq(path, ".") {
		if !slices.Contains(s.Required, name) {
			s.Required = append(s.Required, name)
		}
		s = s.Properties[name]
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
func shapeOfType(of reflect.Type) *jsonSchema {
	switch of {
	case reflect.TypeFor[Method]():
		return &jsonSchema{Ref: "#/$defs/method"}
	case reflect.TypeFor[Milliseconds](), reflect.TypeFor[Seconds]():
		return &jsonSchema{Type: []string{"integer", "string"}, Pattern: spanPattern}
	case reflect.TypeFor[resource.Quantity]():
		return &jsonSchema{Type: []string{"string", "number"}, Pattern: quantityPattern}
	case reflect.TypeFor[metav1.LabelSelector]():
		return &jsonSchema{AnyOf: []*jsonSchema{{Type: "string"}, objectOf(of)}}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return shapeOfType(of.Elem())
	case reflect.Struct:
		return objectOf(of)
	case reflect.Slice:
		return &jsonSchema{Type: "array", Items: shapeOfType(of.Elem())}
	case reflect.Map:
		return &jsonSchema{Type: "object", Additional: shapeOfType(of.Elem())}
	case reflect.Bool:
		return &jsonSchema{Type: "boolean"}
	case reflect.String:
		return &jsonSchema{Type: []string{"string", "number", "boolean"}} // which are read as text
	case reflect.Float64:
		return &jsonSchema{Type: "number"}
	}
	return &jsonSchema{Type: "integer"}
}

func objectOf(of reflect.Type) *jsonSchema {
	s := &jsonSchema{Type: "object", Properties: map[string]*jsonSchema{}, Additional: false}
	for i, name := range fieldNames(of) {
		s.Properties[name] = shapeOfType(of.Field(i).Type)
	}
	return s
}
