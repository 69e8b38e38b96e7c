package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

const fromDefault = "default"

// ledger is what is known of a configuration besides its values: where each came from, and what is wrong.
type ledger struct {
	file     string            // where a missing key can be set; empty if nothing is being loaded
	origins  map[string]origin // by key path; what is not in it is a default
	problems []Problem
	warnings []string
	strict   bool   // a key that nobody reads is a problem
	of       string // whose keys these are

	unknownKeys int
}

// mostUnknownKeys is how many keys that nobody reads are named one by one; a file may be full of them.
const mostUnknownKeys = 100

// origin is where the value of a key was written, and whether it was one that cannot be read.
type origin struct {
	source  string
	refused bool
}

// source is where the value of a key was set, or else the object that it is missing from.
func (l *ledger) source(key string) string {
	for at := key; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		if origin, set := l.origins[at]; set {
			return origin.source
		}
	}
	if l.origins == nil {
		return ""
	}
	return fromDefault
}

// forget drops the origins of what is inside a value that is about to be replaced.
func (l *ledger) forget(key string) {
	for at := range l.origins {
		if strings.HasPrefix(at, key+".") || strings.HasPrefix(at, key+"[") {
			delete(l.origins, at)
		}
	}
}

// refuse records a value that cannot be read.
func (l *ledger) refuse(at place, value, rule string) {
	l.origins[at.key] = origin{at.source, true}
	l.problems = append(l.problems, Problem{Key: secret.Mask(at.key), Value: secret.Mask(value), Rule: rule, Source: at.source})
}

func (l *ledger) warn(at place, sentence string) {
	l.warnings = append(l.warnings, at.source+": "+secret.Mask(at.key)+" "+sentence)
}

// ignore tells of a key that nobody reads, and of the one that may have been meant.
func (l *ledger) ignore(at place, hint string) {
	if l.strict {
		l.problems = append(l.problems, Problem{Key: secret.Mask(at.key), Value: "this key", Rule: "the " + l.of + " has none of this name" + hint, Source: at.source})
		return
	}
	l.warn(at, "is not a key of the "+l.of+", and is ignored"+hint)
}

// ignoreRest tells of the keys that nobody reads and that were not named.
func (l *ledger) ignoreRest() {
	if rest := l.unknownKeys - mostUnknownKeys; rest > 0 {
		l.warnings = append(l.warnings, fmt.Sprintf("%d more keys are not keys of the autoscaler, and are ignored", rest))
	}
}

// result is the problems in the order of the keys, or nil.
func (l *ledger) result(note string) error {
	if len(l.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return rank(a) - rank(b) })
	return Problems{List: l.problems, Note: note}
}
