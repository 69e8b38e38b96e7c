package rule

import (
	"iter"
	"reflect"
	"strings"
)

// Optional is the type of a field that is only there where it says so.
type Optional interface{ Offered() bool }

// FieldNamed is the field of a struct with that JSON name, or as encoding/json has it, with that name in another
// case. The name is empty if there is none.
func FieldNamed(of reflect.Value, written string) (name string, field reflect.Value) {
	for known, i := range Fields(of.Type()) {
		if known == written {
			return known, of.Field(i)
		}
		if strings.EqualFold(known, written) {
			name, field = known, of.Field(i)
		}
	}
	return name, field
}

// Fields are the JSON names of a struct's fields, each with its index.
func Fields(of reflect.Type) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for i := range of.NumField() {
			field := of.Field(i)
			optional, is := reflect.Zero(field.Type).Interface().(Optional)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if (!is || optional.Offered()) && !yield(name, i) {
				return
			}
		}
	}
}

// FieldNames are the JSON names of a struct's fields.
func FieldNames(of reflect.Type) (all []string) {
	for name := range Fields(of) {
		all = append(all, name)
	}
	return all
}

// Field is the field at a path of JSON names, in what object points to.
func Field(object any, path string) reflect.Value {
	at := reflect.ValueOf(object)
	for name := range strings.SplitSeq(path, ".") {
		_, at = FieldNamed(reflect.Indirect(at), name)
	}
	return at
}
