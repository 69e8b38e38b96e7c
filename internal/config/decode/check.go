package decode

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// Check asks for the rule of each key of one object; of one that is not there, nothing.
func (l *Ledger) Check(under string, keys []rule.Key, object any) {
	if reflect.ValueOf(object).IsNil() {
		return
	}
	for _, k := range keys {
		if k.Rule.Holds(object, k.Name) {
			continue
		}
		// A value that could not be read is a problem already; the rule was asked of what stood there before.
		other := k.Rule.Other()
		if l.Refused(under+k.Name) || l.Refused(other) {
			continue
		}
		words := k.Rule.String()
		if other != "" {
			words += strings.TrimSuffix(", which is "+show(rule.Field(object, other))+" by "+l.Source(other), " by ")
		}
		l.Add(l.broken(under+k.Name, rule.Field(object, k.Name), k.Meaning, words))
	}
}

// broken is the problem of a key whose rule does not hold.
func (l *Ledger) broken(key string, value reflect.Value, meaning, words string) Problem {
	source := l.Source(key)
	if _, set := l.origins[key]; !isMissing(value, set) {
		return Problem{Key: key, Value: showAt(key, value), Rule: words, Source: source}
	}
	if source == FromDefault {
		source = fmt.Sprintf(setIt+"%s or as the environment variable %s", l.File, key)
	}
	return Problem{Key: key, Rule: strings.ReplaceAll(meaning, "`", "") + "; " + words, Source: source}
}

// isMissing tells what is not there from what is: an empty text is something if somebody has set it.
func isMissing(value reflect.Value, set bool) bool {
	switch value.Kind() {
	case reflect.Pointer:
		return value.IsNil()
	case reflect.String, reflect.Slice:
		return value.IsZero() && !set
	}
	return false
}
