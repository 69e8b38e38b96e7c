package kinds

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/direct"
)

// Source is a metric that is read by the autoscaler itself.
type Source struct {
	Name    string            `json:"name"`
	Type    string            `json:"type"`
	Timeout span.Milliseconds `json:"timeout"`
	Target  *SourceTarget     `json:"target"`

	// The kinds there are, each with its settings: a new one is a folder with a direct.Kind, and a line here.
}

// SourceTarget is what the value of a source is compared with: of a HorizontalPodAutoscaler's targets those that need no requests.
type SourceTarget struct {
	Type         autoscalingv2.MetricTargetType `json:"type"`
	Value        *resource.Quantity             `json:"value"`
	AverageValue *resource.Quantity             `json:"averageValue"`
}

// SetDefaults is called on a fresh Source before it is read.
func (s *Source) SetDefaults() { s.Timeout = 5_000 }

// kind is that of the source's type, or nil where its settings are missing.
func (s *Source) kind() direct.Kind {
	for name, of := range Of[direct.Kind](s) {
		if name == s.Type && !reflect.ValueOf(of).IsNil() {
			return of
		}
	}
	return nil
}

// Sources are the metrics that are read by the autoscaler itself.
type Sources []Source

// Offered tells whether there is a kind of them: without one there is no key for them either.
func (Sources) Offered() bool { return len(SourceNames()) > 0 }

// Settings are those of each source, for who opens it.
func (s Sources) Settings() []direct.Settings {
	all := make([]direct.Settings, len(s))
	for i := range s {
		of := &s[i]
		all[i] = direct.Settings{
			Key: fmt.Sprintf("metricSources[%d]", i), Name: of.Name, Type: of.Type, Timeout: of.Timeout.Duration(), Kind: of.kind(),
		}
		if of.Target != nil {
			all[i].Target = &autoscalingv2.MetricTarget{Type: of.Target.Type, Value: of.Target.Value, AverageValue: of.Target.AverageValue}
		}
	}
	return all
}

// SourceNames are the names of the kinds of sources.
func SourceNames() (names []string) {
	for name := range Of[direct.Kind](&Source{}) {
		names = append(names, name)
	}
	return names
}

// SourceKeys are the keys of a source.
func SourceKeys() []rule.Key {
	keys := []rule.Key{
		{Name: "name", Meaning: "the name of the metric, by which user logic knows it", Rule: rule.NotEmpty()},
		{Name: "type", Meaning: "how the metric is read", Rule: rule.OneOf(SourceNames()...)},
		{Name: "timeout", Meaning: "the longest that reading it may take", Rule: rule.Span(1, time.Millisecond)},
		{Name: "target", Meaning: "what the value is compared with, as in a HorizontalPodAutoscaler; may be left out where user logic decides"},
	}
	for name, kind := range Of[direct.Kind](&Source{}) {
		keys = append(keys, rule.Key{Name: name, Meaning: kind.Description().Meaning, Rule: rule.RequiredOfType(name)})
	}
	return keys
}

// SourceTargetKeys are the keys of what a source is compared with.
var SourceTargetKeys = []rule.Key{
	{Name: "type", Meaning: "whether the value is compared as a whole, or its share for each pod", Rule: rule.OneOf(autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType)},
	{Name: "averageValue", Meaning: "an amount for each pod", Rule: rule.MoreThanZero()},
	{Name: "value", Meaning: "an amount", Rule: rule.MoreThanZero()},
}

// Check asks for the rules of the sources. Where evaluate proposes, each has to aim at something.
func (s Sources) Check(l *decode.Ledger, proposes bool) {
	for i := range s {
		of, under := &s[i], fmt.Sprintf("metricSources[%d].", i)
		l.Check(under, SourceKeys(), of)
		l.Check(under+"target.", SourceTargetKeys, of.Target)
		if kind := of.kind(); kind != nil {
			l.Check(under+of.Type+".", kind.Description().Keys, kind)
		}
		if slices.ContainsFunc(s[:i], func(other Source) bool { return other.Name == of.Name }) {
			l.Add(decode.Problem{Key: under + "name", Value: fmt.Sprintf("%q", of.Name), Rule: "must be another name than that of an entry before it", Source: l.Source(under + "name")})
		}
		if proposes && !aims(of.Target) {
			l.Add(decode.Problem{Key: under + "target", Rule: "required, with its value, when evaluate is of the type " + Proposing() + ", which aims at it", Source: l.Source(under + "target")})
		}
	}
}

// aims tells whether a target has the value that its type names.
func aims(target *SourceTarget) bool {
	switch {
	case target == nil:
		return false
	case target.Type == autoscalingv2.AverageValueMetricType:
		return target.AverageValue != nil
	}
	return target.Value != nil
}
