package decode

import (
	"encoding/json"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
)

// readsItself tells a type with a form of its own, such as a quantity.
func readsItself(into reflect.Value) bool {
	_, ok := into.Addr().Interface().(json.Unmarshaler)
	return ok
}

// written is a refused value for a problem: as it stands there if a scalar was wanted and is there. Otherwise its
// shape has to do, since there is no telling what is in it: it may be the headers of a request.
func written(value any, into reflect.Value, at Place) string {
	text, isText := value.(string)
	isScalar := at.Node != nil && at.Node.Kind == yaml.ScalarNode
	switch value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	switch {
	case isText && text != "" && isComposite(into):
		return "text"
	case isText:
		return show(reflect.ValueOf(text))
	case isScalar:
		return Shorten(at.Node.Value)
	}
	return Shorten(fmt.Sprint(value))
}

func isComposite(into reflect.Value) bool {
	if isSelector(into) {
		return false
	}
	kind := into.Kind()
	return kind == reflect.Map || kind == reflect.Slice || kind == reflect.Struct && !readsItself(into)
}

// isSelector: a label selector may be written as text, too.
func isSelector(into reflect.Value) bool {
	_, ok := into.Addr().Interface().(*metav1.LabelSelector)
	return ok
}

// shapeOf is what a type looks like in a file.
func shapeOf(into reflect.Value) string {
	if isSelector(into) {
		return "a label selector, e.g. queue=worker_tasks"
	}
	if span.Is(into) {
		return span.Shape(into)
	}
	switch into.Addr().Interface().(type) {
	case *metav1.Duration:
		return "a duration, e.g. 90s or 1h30m"
	case *metav1.Time:
		return "a time, e.g. 2026-01-01T12:00:00Z"
	}
	switch into.Kind() {
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "a list"
	case reflect.Uint64:
		return "a whole number, 0 or more"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("a whole number of up to %d bits", into.Type().Bits())
	}
	if readsItself(into) {
		return "a quantity, e.g. 250m or 64Mi"
	}
	return "an object"
}
