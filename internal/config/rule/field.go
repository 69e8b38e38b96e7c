package rule

import (
	"reflect"
	"strings"
)

// FieldNamed is the field of a struct with that JSON name, or as encoding/json has it, with that name in another
// case. The name is empty if there is none.
func FieldNamed(of reflect.Value, written string) (name string, field reflect.Value) {
	for i, known := range FieldNames(of.Type()) {
		if known == written {
			return known, of.Field(i)
		}
		if strings.EqualFold(known, written) {
			name, field = known, of.Field(i)
		}
	}
	return name, field
}

// FieldNames are the JSON names of a struct's fields.
func FieldNames(of reflect.Type) []string {
	var all []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
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
