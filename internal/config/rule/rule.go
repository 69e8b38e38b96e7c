// Package rule has the rules that the keys of a configuration keep.
//
// A rule is a value: it checks, says in words what it asks, and writes what a JSON Schema can say of it. Problems, the
// reference page and the schema all come from it, so that none of them has to read the words of another.
package rule

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Rule is what the value of one key has to be. The zero Rule allows every value of the key's type.
type Rule struct {
	words  string
	other  string
	holds  func(object any, value reflect.Value) bool
	schema func(object, at *Schema, name string)
}

// String is the rule in words.
func (r Rule) String() string { return r.words }

// Other is the key that the value is compared with; "" for none.
func (r Rule) Other() string { return r.other }

// Holds tells whether the key of that name, in what object points to, keeps the rule.
func (r Rule) Holds(object any, name string) bool {
	return r.holds == nil || r.holds(object, Field(object, name))
}

// Describe adds what a schema can say of the rule: to that of the key, or to that of the object the key is in.
func (r Rule) Describe(object *Schema, name string) {
	if r.schema != nil {
		r.schema(object, object.At(name), name)
	}
}

// And asks for both.
func (r Rule) And(more Rule) Rule {
	return Rule{
		words: r.words + more.words,
		other: r.other + more.other,
		holds: func(object any, value reflect.Value) bool {
			return (r.holds == nil || r.holds(object, value)) && (more.holds == nil || more.holds(object, value))
		},
		schema: func(object, at *Schema, name string) {
			for _, s := range []func(object, at *Schema, name string){r.schema, more.schema} {
				if s != nil {
					s(object, at, name)
				}
			}
		},
	}
}

// Noting says more about the value, such as its unit or an example.
func (r Rule) Noting(more string) Rule {
	r.words += more
	return r
}

// When asks for a rule only of objects to which it applies.
func When[T any](applies func(*T) bool, r Rule) Rule {
	holds := r.holds
	r.holds = func(object any, value reflect.Value) bool { return !applies(object.(*T)) || holds(object, value) }
	return r
}

// That is a rule about the object that the key is in, which no schema says.
func That[T any](words string, holds func(*T) bool) Rule {
	return Rule{words: words, holds: func(object any, _ reflect.Value) bool { return holds(object.(*T)) }}
}

// Required asks for an object.
func Required(example string) Rule {
	return Rule{words: "required, e.g. " + example, holds: func(_ any, value reflect.Value) bool { return !value.IsNil() }}
}

// RequiredOfType asks for the object that belongs to a type, which the key type names.
func RequiredOfType(kind string) Rule {
	return Rule{
		words: "required when type is " + kind,
		holds: func(object any, value reflect.Value) bool {
			return Field(object, "type").String() != kind || !value.IsNil()
		},
		schema: func(object, _ *Schema, name string) {
			object.AllOf = append(object.AllOf, &Schema{
				If:   &Schema{Properties: map[string]*Schema{"type": {Const: kind}}, Required: []string{"type"}},
				Then: &Schema{Required: []string{name}},
			})
		},
	}
}

// RequiredWith asks for text where another key has some.
func RequiredWith(other string) Rule {
	return Rule{
		words: "required when " + other + " is set",
		holds: func(object any, value reflect.Value) bool { return Field(object, other).IsZero() || !value.IsZero() },
		schema: func(object, _ *Schema, name string) {
			if object.DependentRequired == nil {
				object.DependentRequired = map[string][]string{}
			}
			object.DependentRequired[other] = []string{name}
		},
	}
}

// NotBelow asks for a number that is at least that of another key.
func NotBelow(other string) Rule {
	return Rule{
		words: "must be at least " + other,
		other: other,
		holds: func(object any, value reflect.Value) bool { return value.Int() >= Field(object, other).Int() },
	}
}

// OneOf asks for one of the words.
func OneOf[T ~string](allowed ...T) Rule {
	words := make([]string, len(allowed))
	for i, word := range allowed {
		words[i] = string(word)
	}
	return Rule{
		words:  "must be " + strings.Join(words, " or "),
		holds:  func(_ any, value reflect.Value) bool { return slices.Contains(words, value.String()) },
		schema: func(_, at *Schema, _ string) { at.Type, at.Enum = "string", slices.Clone(words) },
	}
}

// NotEmpty asks for text.
func NotEmpty() Rule {
	return Rule{
		words:  "must not be empty",
		holds:  func(_ any, value reflect.Value) bool { return value.String() != "" },
		schema: func(_, at *Schema, _ string) { at.MinLength = 1 },
	}
}

// Text asks for text that has a meaning. The pattern, for the schema, may be a little wider; "" leaves it out.
func Text(words, pattern string, holds func(string) bool) Rule {
	return Rule{
		words:  words,
		holds:  func(_ any, value reflect.Value) bool { return holds(value.String()) },
		schema: func(_, at *Schema, _ string) { at.Pattern = pattern },
	}
}

// From asks for a number in a range.
func From(least, most int64) Rule {
	return Rule{
		words:  fmt.Sprintf("must be from %d to %d", least, most),
		holds:  func(_ any, value reflect.Value) bool { return within(value, float64(least), float64(most)) },
		schema: func(_, at *Schema, _ string) { at.Minimum, at.Maximum = &least, &most },
	}
}

// MoreThanZero asks for a positive number or quantity; one that may be left out holds where it is.
func MoreThanZero() Rule {
	return Rule{words: "must be more than 0", holds: func(_ any, value reflect.Value) bool { return sign(value) > 0 }, schema: from(1)}
}

// ZeroOrMore asks for a number that is not negative.
func ZeroOrMore() Rule {
	return Rule{words: "must be 0 or more", holds: func(_ any, value reflect.Value) bool { return sign(value) >= 0 }, schema: from(0)}
}

// Span asks for a span of time, counted in a unit, of at least so many of it: 0 or 1. A time.Duration ends at 292 years.
func Span(least int64, unit time.Duration) Rule {
	words := fmt.Sprintf("must be 0 %s or more", units[unit].name)
	if least > 0 {
		words = "must be more than 0 " + units[unit].name
	}
	return Rule{
		words: words + ", and at most 292 years, e.g. " + units[unit].example,
		holds: func(_ any, value reflect.Value) bool {
			return value.Int() >= least && value.Int() <= math.MaxInt64/int64(unit)
		},
		schema: from(least),
	}
}

var units = map[time.Duration]struct{ name, example string }{
	time.Millisecond: {"milliseconds", "15000 or 15s"},
	time.Second:      {"seconds", "30 or 30s"},
}

// SomeFrom asks for a list of one or more numbers, each in a range.
func SomeFrom(what string, least, most int64) Rule {
	return Rule{
		words: fmt.Sprintf("must be one or more %s, each from %d to %d", what, least, most),
		holds: func(_ any, value reflect.Value) bool {
			for i := range value.Len() {
				if !within(value.Index(i), float64(least), float64(most)) {
					return false
				}
			}
			return value.Len() > 0
		},
		schema: func(_, at *Schema, _ string) { at.MinItems, at.Items.Minimum, at.Items.Maximum = 1, &least, &most },
	}
}

// from says the least number to a schema; that of a quantity cannot say it.
func from(least int64) func(object, at *Schema, name string) {
	return func(_, at *Schema, _ string) {
		if kinds, _ := at.Type.([]string); at.Type == "integer" || slices.Contains(kinds, "integer") {
			at.Minimum = &least
		}
	}
}

func within(value reflect.Value, least, most float64) bool {
	number := value
	if value.CanInt() {
		number = value.Convert(reflect.TypeFor[float64]())
	}
	return number.Float() >= least && number.Float() <= most
}

// sign is that of a number or a quantity; what is left out counts as positive.
func sign(value reflect.Value) int {
	if value.Kind() == reflect.Pointer && value.IsNil() {
		return 1
	}
	if q, ok := value.Interface().(*resource.Quantity); ok {
		return q.Sign()
	}
	switch number := reflect.Indirect(value).Int(); {
	case number < 0:
		return -1
	case number == 0:
		return 0
	}
	return 1
}
