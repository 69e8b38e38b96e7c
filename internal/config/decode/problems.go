package decode

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// Problems is everything that is wrong with a configuration, in the order of the reference page.
type Problems struct {
	Of   string // what has them; a configuration if empty
	List []Problem
	Note string // a sentence about what was not read, if any
}

// Problem is one value that was refused.
type Problem struct {
	Key    string // its path, e.g. metric.shell.command[0]; empty when the file itself is wrong
	Value  string // as written, shortened; empty when it is missing
	Rule   string // what it must be
	Source string // where it came from, or can be set
}

// Error lists the problems, one on each line.
func (p Problems) Error() string {
	of := cmp.Or(p.Of, "configuration")
	lines := []string{fmt.Sprintf("%s has %d problems:", of, len(p.List))}
	if len(p.List) == 1 {
		lines[0] = of + " has 1 problem:"
	}
	for _, problem := range p.List {
		lines = append(lines, problem.String())
	}
	if p.Note != "" {
		lines = append(lines, "("+p.Note+")")
	}
	return strings.Join(lines, "\n  ")
}

// setIt is how the source of a key begins that nobody has set.
const setIt = "set it in "

func (p Problem) String() string {
	switch {
	case p.Key == "":
		return p.Source + ": " + p.Rule
	case p.Value == "":
		return p.Key + ": missing: " + p.Rule + bracketed(p.Source)
	}
	return p.Key + ": " + p.Value + " is not allowed: " + p.Rule + bracketed(p.Source)
}

// WayOut says where to put it right.
func (p Problem) WayOut() string {
	switch {
	case p.Value != "":
		return "change it: " + p.Source
	case p.Key == "":
		return "put the file right: " + p.Source
	case strings.HasPrefix(p.Source, setIt):
		return p.Source
	}
	return "add it: " + p.Source
}

func bracketed(source string) string {
	if source == "" {
		return ""
	}
	return " (" + source + ")"
}

// show is a value for a problem. What is inside an object is not shown: it may be a header, and so a secret.
func show(value reflect.Value) string {
	if selector, ok := value.Interface().(*metav1.LabelSelector); ok && selector != nil {
		return Shorten(metav1.FormatLabelSelector(selector))
	}
	if text, ok := value.Interface().(fmt.Stringer); ok && !value.IsZero() {
		return Shorten(text.String())
	}
	switch value.Kind() {
	case reflect.Pointer:
		if value.IsNil() {
			return "nothing"
		}
		return show(value.Elem())
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.String:
		return strconv.Quote(Shorten(value.String()))
	}
	text, _ := json.Marshal(value.Interface())
	return Shorten(string(text))
}

// showAt is the value of a key for a problem. A refused URL may have a user, a password and a query as well.
func showAt(key string, value reflect.Value) string {
	if IsAddress(key) && value.Kind() == reflect.String {
		return strconv.Quote(Shorten(secret.URL(value.String())))
	}
	return secret.Mask(show(value))
}

// Shorten makes a value fit for a line.
func Shorten(value string) string { return text.ClipRunes(value, 80) }

// IsAddress reports whether the value of a key is a URL, of which the user and the query may be credentials.
func IsAddress(key string) bool { return strings.HasSuffix(key, ".http.url") }
