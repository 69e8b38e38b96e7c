package decode

import (
	"reflect"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
)

// Describe adds to the shape of an object what its table of keys says. A key whose rule the defaults break is required.
func Describe(object *rule.Schema, keys []rule.Key, defaults any) {
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

// ShapeOf is what values of a type look like in a file, as Read reads them. Types that refs has are described elsewhere.
func ShapeOf(of reflect.Type, refs map[reflect.Type]string) *rule.Schema {
	if ref, is := refs[of]; is {
		return &rule.Schema{Ref: ref}
	}
	switch of {
	case reflect.TypeFor[span.Milliseconds](), reflect.TypeFor[span.Seconds]():
		return &rule.Schema{Type: []string{"integer", "string"}, Pattern: span.Pattern}
	case reflect.TypeFor[resource.Quantity]():
		return &rule.Schema{Type: []string{"string", "number"}, Pattern: quantityPattern}
	case reflect.TypeFor[metav1.LabelSelector]():
		return &rule.Schema{AnyOf: []*rule.Schema{{Type: "string"}, ObjectOf(of, refs)}}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return ShapeOf(of.Elem(), refs)
	case reflect.Struct:
		return ObjectOf(of, refs)
	case reflect.Slice:
		return &rule.Schema{Type: "array", Items: ShapeOf(of.Elem(), refs)}
	case reflect.Map:
		return &rule.Schema{Type: "object", Additional: ShapeOf(of.Elem(), refs)}
	case reflect.Bool:
		return &rule.Schema{Type: "boolean"}
	case reflect.String:
		return &rule.Schema{Type: []string{"string", "number", "boolean"}} // which are read as text
	case reflect.Float64:
		return &rule.Schema{Type: "number"}
	}
	return &rule.Schema{Type: "integer"}
}

// ObjectOf is what an object of a type looks like.
func ObjectOf(of reflect.Type, refs map[reflect.Type]string) *rule.Schema {
	s := &rule.Schema{Type: "object", Properties: map[string]*rule.Schema{}, Additional: false}
	for name, i := range rule.Fields(of) {
		s.Properties[name] = ShapeOf(of.Field(i).Type, refs)
	}
	return s
}
