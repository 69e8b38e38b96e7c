package config

import (
	"reflect"
	"strings"
)

// fieldNamed is the field of a struct with that JSON name, or as encoding/json has it, with that name in another
// case. The name is empty if there is none.
func fieldNamed(of reflect.Value, written string) (name string, field reflect.Value) {
	for i, known := range fieldNames(of.Type()) {
		if known == written {
			return known, of.Field(i)
		}
		if strings.EqualFold(known, written) {
			name, field = known, of.Field(i)
		}
	}
	return name, field
}

func fieldNames(of reflect.Type) []string {
	var all []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		all = append(all, name)
	}
	return all
}

// fieldAt is the field at a path of JSON names, in what object points to.
func fieldAt(object any, path string) reflect.Value {
	at := reflect.ValueOf(object)
	for name := range strings.SplitSeq(path, ".") {
		_, at = fieldNamed(reflect.Indirect(at), name)
	}
	return at
}

// suggestion names the known name nearest to a misspelt one, if one is near.
func suggestion(written string, known []string) string {
	best, nearest := 1+min(len(written), 64)/4, ""
	for _, name := range known {
		if d := distance(strings.ToLower(written), strings.ToLower(name)); d <= best && (nearest == "" || d < best) {
			best, nearest = d, name
		}
	}
	if nearest == "" {
		return ""
	}
	return "; did you mean " + nearest + "?"
}

// distance is the number of letters to insert, delete or replace to get from one word to the other (Levenshtein).
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := diagonal
			if from[i] != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
