package config

import (
	"fmt"
	"iter"
	"reflect"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// Validate gives every rule that the configuration breaks, as Problems. Load asks for the same rules.
func (c Config) Validate() error {
	l := &ledger{}
	l.checkAll(&c)
	return l.result("")
}

// checkAll asks for every rule there is.
func (l *ledger) checkAll(c *Config) {
	check(l, "", configKeys, c)
	check(l, "scaleTargetRef.", targetKeys, c.ScaleTargetRef)
	check(l, "apiConfig.", apiKeys, &c.APIConfig)
	check(l, "record.", recordKeys, c.Record)
	check(l, "customPodAutoscaler.", ownerKeys, c.CustomPodAutoscaler)
	checkSpecs(l, c.KubernetesMetricSpecs)
	checkSources(l, c.MetricSources, c.Proposes())
	if c.Proposes() {
		checkAims(l, c.KubernetesMetricSpecs)
	}
	for name, method := range c.Methods() {
		method.check(l, name)
	}
}

// check asks for the rule of each key of one object; of one that is not there, nothing.
func check(l *ledger, under string, keys []rule.Key, object any) {
	if reflect.ValueOf(object).IsNil() {
		return
	}
	for _, k := range keys {
		if k.Rule.Holds(object, k.Name) {
			continue
		}
		// A value that could not be read is a problem already; the rule was asked of what stood there before.
		other := k.Rule.Other()
		if l.origins[under+k.Name].refused || l.origins[other].refused {
			continue
		}
		words := k.Rule.String()
		if other != "" {
			words += strings.TrimSuffix(", which is "+show(rule.Field(object, other))+" by "+l.source(other), " by ")
		}
		l.problems = append(l.problems, l.broken(under+k.Name, rule.Field(object, k.Name), k.Meaning, words))
	}
}

// broken is the problem of a key whose rule does not hold.
func (l *ledger) broken(key string, value reflect.Value, meaning, words string) Problem {
	source := l.source(key)
	if _, set := l.origins[key]; !isMissing(value, set) {
		return Problem{Key: key, Value: showAt(key, value), Rule: words, Source: source}
	}
	if source == fromDefault {
		source = fmt.Sprintf(setIt+"%s or as the environment variable %s", l.file, key)
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

// Methods are the methods that are set, by their keys.
func (c *Config) Methods() iter.Seq2[string, *Method] {
	return func(yield func(string, *Method) bool) {
		for _, k := range configKeys {
			if method, ok := rule.Field(c, k.Name).Interface().(*Method); ok && method != nil && !yield(k.Name, method) {
				return
			}
		}
	}
}
