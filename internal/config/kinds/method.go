// Package kinds has the blocks of a configuration that name a kind: methods, and sources of metrics. A new kind is a folder elsewhere, and a
// field here.
package kinds

import (
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/hpa"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/http"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/shell"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/worker"
)

// Method is one piece of logic: what to run, and how long it may take.
type Method struct {
	Type          string            `json:"type"`
	Timeout       span.Milliseconds `json:"timeout"`
	MaxReplyBytes int64             `json:"maxReplyBytes"`

	// The kinds there are, each with its settings: a new one is a folder with a method.Kind, and a line here.
	Shell  *shell.Settings  `json:"shell,omitempty"`
	HTTP   *http.Settings   `json:"http,omitempty"`
	Worker *worker.Settings `json:"worker,omitempty"`
	HPA    *hpa.Settings    `json:"hpa,omitempty"`
}

// ExampleMethod is one that a message shows.
const ExampleMethod = `{type: shell, shell: {command: ["-c", "..."]}}`

// SetDefaults is called on a fresh Method before it is read, so that what is left out is told from what is set to zero.
func (m *Method) SetDefaults() { m.Timeout, m.MaxReplyBytes = 5_000, 1<<20 }

// Settings are those of the method of that name, for who opens it.
func (m *Method) Settings(name string) method.Settings {
	return method.Settings{Type: m.Type, Kind: m.Logic(), Common: method.Common{
		Name: name, Timeout: m.Timeout.Duration(), MaxReplyBytes: m.MaxReplyBytes,
	}}
}

// With is the same for who runs it, and logs what it does.
func (m *Method) With(name string, log *slog.Logger) method.Settings {
	of := m.Settings(name)
	of.Log = log
	return of
}

// Logic is the kind of the method's type, or nil where its settings are missing.
func (m *Method) Logic() method.Kind {
	for name, of := range Of[method.Kind](m) {
		switch {
		case name != m.Type:
		case !reflect.ValueOf(of).IsNil():
			return of
		case of.Description().Optional:
			return Fresh(of)
		}
	}
	return nil
}

// Fresh returns the default settings of the same kind.
func Fresh[K interface{ SetDefaults() }](of K) K {
	settings := reflect.New(reflect.TypeOf(of).Elem()).Interface().(K)
	settings.SetDefaults()
	return settings
}

// Describes is what the kind of the method's type says of itself; nothing where there is none of that type.
func (m *Method) Describes() method.Description {
	for name, of := range Of[method.Kind](m) {
		if name == m.Type {
			return of.Description()
		}
	}
	return method.Description{}
}

// Of are the kinds by their names, with the settings that a method or source has of them, which are nil pointers where it has none.
func Of[K any](object any) iter.Seq2[string, K] {
	return func(yield func(string, K) bool) {
		fields := reflect.ValueOf(object).Elem()
		for name, i := range rule.Fields(fields.Type()) {
			if of, is := fields.Field(i).Interface().(K); is && !yield(name, of) {
				return
			}
		}
	}
}

// Names are the names of the kinds that a method of that name may be of; of all where it is empty.
func Names(of string) (names []string) {
	for name, kind := range Of[method.Kind](&Method{}) {
		if only := kind.Description().Only; of == "" || only == "" || only == of {
			names = append(names, name)
		}
	}
	return names
}

// That are the names of the kinds that have a property.
func That(has func(method.Description) bool) string {
	var names []string
	for name, kind := range Of[method.Kind](&Method{}) {
		if has(kind.Description()) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

// RunTypes are the types of the methods of which there are runs, in the order of their names.
func RunTypes() (names []string) {
	for name, kind := range Of[method.Kind](&Method{}) {
		if !kind.Description().InProcess {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Runs tells whether there are runs of the method: it is not decided in this process.
func (m *Method) Runs() bool { return !m.Describes().InProcess }

// MethodKeys are the keys of a method.
var MethodKeys = slices.Concat([]rule.Key{
	{Name: "type", Meaning: "how the program is run", Rule: rule.OneOf(Names("")...)},
	{Name: "timeout", Meaning: "the longest that one run may take", Rule: rule.Span(1, time.Millisecond)},
	{Name: "maxReplyBytes", Meaning: "a longer reply is an error", Rule: rule.MoreThanZero().Noting(" bytes")},
}, kindKeys())

// kindKeys are the keys that have the settings of kinds.
func kindKeys() (keys []rule.Key) {
	for name, kind := range Of[method.Kind](&Method{}) {
		says := kind.Description()
		key := rule.Key{Name: name, Meaning: says.Meaning}
		if !says.Optional {
			key.Rule = rule.RequiredOfType(name)
		}
		keys = append(keys, key)
	}
	return keys
}

// Check asks for the rules of the method of that name.
func (m *Method) Check(l *decode.Ledger, name string) {
	under := name + "."
	l.Check(under, MethodKeys, m)
	if only := m.Describes().Only; only != "" && only != name {
		l.Add(decode.Problem{
			Key: under + "type", Value: fmt.Sprintf("%q", m.Type), Source: l.Source(under + "type"),
			Rule: fmt.Sprintf("must be %s; %s is for %s only", oneOf(Names(name)), m.Type, only),
		})
	}
	if kind := m.Logic(); kind != nil {
		l.Check(under+m.Type+".", kind.Description().Keys, kind)
	}
}

// oneOf is a choice in words: shell, http or worker.
func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Proposing are the types of evaluate that decide by the metrics alone, each with what it aims at.
func Proposing() string { return That(func(d method.Description) bool { return d.Proposes }) }
