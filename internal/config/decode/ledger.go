package decode

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// FromDefault is the source of a default value.
const FromDefault = "default"

// Ledger is what is known of a document besides its values: where each came from, and what is wrong.
type Ledger struct {
	File   string                        // where a missing key can be set; empty if nothing is being loaded
	Of     string                        // whose keys these are
	Strict bool                          // an unknown key is a problem
	Older  func(key, name string) string // how a key is spelt today that was spelt otherwise once; nil where there is none

	origins     Origins
	problems    []Problem
	warnings    []string
	unknownKeys int
}

// NewLedger returns the ledger of a file that is about to be read.
func NewLedger(file, of string) *Ledger { return &Ledger{File: file, Of: of, origins: Origins{}} }

// MostUnknownKeys is how many unknown keys are named one by one; a file may be full of them.
const MostUnknownKeys = 100

// Origins are where the values were written, by key path. What is not in it is a default.
type Origins map[string]origin

// origin is where the value of a key was written, and whether it was one that cannot be read.
type origin struct {
	source  string
	refused bool
}

// Has reports whether the file or the environment sets a key.
func (o Origins) Has(key string) bool { _, set := o[key]; return set }

// Source is where the value of a key was set: a line of the file, an environment variable, or "default".
func (o Origins) Source(key string) string { return cmp.Or(o[key].source, FromDefault) }

// Origins are where the values came from.
func (l *Ledger) Origins() Origins { return l.origins }

// Refused tells whether the value of a key cannot be read.
func (l *Ledger) Refused(key string) bool { return l.origins[key].refused }

// Source is where the value of a key was set, or else the object that it is missing from.
func (l *Ledger) Source(key string) string {
	for at := key; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		if origin, set := l.origins[at]; set {
			return origin.source
		}
	}
	if l.origins == nil {
		return ""
	}
	return FromDefault
}

// Forget drops the origins of what is inside a value that is about to be replaced.
func (l *Ledger) Forget(key string) {
	for at := range l.origins {
		if strings.HasPrefix(at, key+".") || strings.HasPrefix(at, key+"[") {
			delete(l.origins, at)
		}
	}
}

// Add records a problem.
func (l *Ledger) Add(problem Problem) { l.problems = append(l.problems, problem) }

// Refuse records a value that cannot be read.
func (l *Ledger) Refuse(at Place, value, rule string) {
	l.origins[at.Key] = origin{at.Source, true}
	l.Add(Problem{Key: secret.Mask(at.Key), Value: secret.Mask(value), Rule: rule, Source: at.Source})
}

// Problems are what is wrong so far.
func (l *Ledger) Problems() []Problem { return l.problems }

// DropProblems forgets the problems that are none after all.
func (l *Ledger) DropProblems(are func(Problem) bool) {
	l.problems = slices.DeleteFunc(l.problems, are)
}

// Warn adds a warning about a value that can be read but needs attention.
func (l *Ledger) Warn(at Place, sentence string) {
	l.Say(at.Source + ": " + secret.Mask(at.Key) + " " + sentence)
}

// Say adds a warning.
func (l *Ledger) Say(warning string) { l.warnings = append(l.warnings, warning) }

// Warnings returns all warnings.
func (l *Ledger) Warnings() []string { return l.warnings }

// ignore reports an unknown key, and suggests the key that was probably meant.
func (l *Ledger) ignore(at Place, hint string) {
	if l.Strict {
		l.Add(Problem{Key: secret.Mask(at.Key), Value: "this key", Rule: "the " + l.Of + " has none of this name" + hint, Source: at.Source})
		return
	}
	l.Warn(at, "is not a key of the "+l.Of+", and is ignored"+hint)
}

// IgnoreRest reports how many more unknown keys there are.
func (l *Ledger) IgnoreRest() {
	if rest := l.unknownKeys - MostUnknownKeys; rest > 0 {
		l.Say(fmt.Sprintf("%d more keys are not keys of the autoscaler, and are ignored", rest))
	}
}

// Result is the problems in the order of the keys, or nil. What concerns a whole file comes before all of them.
func (l *Ledger) Result(note string, keys []rule.Key) error {
	if len(l.problems) == 0 {
		return nil
	}
	rank := func(p Problem) int {
		top := p.Key
		if end := strings.IndexAny(top, ".["); end >= 0 {
			top = top[:end]
		}
		return slices.IndexFunc(keys, func(k rule.Key) bool { return k.Name == top })
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return rank(a) - rank(b) })
	return Problems{List: l.problems, Note: note}
}
