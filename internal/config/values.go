package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// Value is what one key is set to, for people to read, and where that came from.
type Value struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// Values are those of all keys that are set, by default or by somebody, in the order of the reference page. What may be
// secret is left out: the values of headers, the user and the query of a URL, and the arguments of a program.
func (l Loaded) Values() []Value {
	var all []Value
	for _, k := range configKeys {
		all = l.values(all, k.Name, rule.Field(&l.Config, k.Name))
	}
	return all
}

func (l Loaded) values(all []Value, key string, value reflect.Value) []Value {
	if text, whole := l.whole(key, value); whole {
		if text == "" {
			return all
		}
		return append(all, Value{key, text, l.Source(key)})
	}
	switch value.Kind() {
	case reflect.Pointer:
		return l.values(all, key, value.Elem())
	case reflect.Slice:
		for i := range value.Len() {
			all = l.values(all, fmt.Sprintf("%s[%d]", key, i), value.Index(i))
		}
	case reflect.Struct:
		for name, i := range rule.Fields(value.Type()) {
			all = l.values(all, decode.Join(key, name), value.Field(i))
		}
	}
	return all
}

// whole is a value that is shown on one line; it is empty where the key is not set.
func (l Loaded) whole(key string, value reflect.Value) (text string, whole bool) {
	if value.Kind() == reflect.Pointer && value.IsNil() {
		return "", true
	}
	switch known := value.Interface().(type) {
	case *resource.Quantity:
		return known.String(), true
	case *metav1.LabelSelector:
		return metav1.FormatLabelSelector(known), true
	case []string:
		return arguments(len(known)), true
	case []int:
		return list(value), true
	case map[string]string:
		return headerNames(known), true
	}
	switch value.Kind() {
	case reflect.Pointer, reflect.Struct, reflect.Slice:
		return "", false
	case reflect.String:
		return l.text(key, value.String()), true
	}
	return fmt.Sprint(value.Interface()), true
}

func list(value reflect.Value) string {
	if value.Len() == 0 {
		return ""
	}
	text, _ := json.Marshal(value.Interface())
	return decode.Shorten(string(text))
}

// text is empty where nobody has set it, and somebody's empty text is shown as such.
func (l Loaded) text(key, text string) string {
	set := l.origins.Has(key)
	switch {
	case text == "" && set:
		return `""`
	case decode.IsAddress(key):
		return secret.URL(text)
	case strings.HasSuffix(key, ".entrypoint"):
		return secret.Program(text)
	}
	return decode.Shorten(secret.Mask(strings.ReplaceAll(text, "\n", " ")))
}

func headerNames(headers map[string]string) string {
	var names []string
	for name := range headers {
		names = append(names, name+": ...")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// arguments says how many arguments a command has: any of them may be a credential.
func arguments(count int) string {
	if count == 0 {
		return ""
	}
	return text.Count(count, "argument", "arguments")
}
