package rule_test

import (
	"encoding/json"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

type thing struct {
	Type   string             `json:"type"`
	Text   string             `json:"text"`
	Other  string             `json:"other"`
	Number int64              `json:"number"`
	Least  int64              `json:"least"`
	Part   float64            `json:"part"`
	Codes  []int              `json:"codes"`
	Inner  *struct{}          `json:"inner"`
	Maybe  *int32             `json:"maybe"`
	Amount *resource.Quantity `json:"amount"`
}

func amount(text string) *resource.Quantity {
	q := resource.MustParse(text)
	return &q
}

func TestRules(t *testing.T) {
	inner := &struct{}{}
	for _, row := range []struct {
		name         string
		key          string
		rule         rule.Rule
		words        string
		keeps, broke []thing
		schema       string // of the object, with the key in it
	}{
		{"none", "text", rule.Rule{}, "", []thing{{}, {Text: "x"}}, nil, `{"properties":{"text":{"type":["string","number"]}}}`},
		{"one of", "text", rule.OneOf("a", "b"), "must be a or b", []thing{{Text: "a"}, {Text: "b"}}, []thing{{}, {Text: "c"}, {Text: "A"}},
			`{"properties":{"text":{"type":"string","enum":["a","b"]}}}`},
		{"not empty", "text", rule.NotEmpty().Noting("; 0.0.0.0 is every address"), "must not be empty; 0.0.0.0 is every address", []thing{{Text: "a"}}, []thing{{}},
			`{"properties":{"text":{"type":["string","number"],"minLength":1}}}`},
		{"text", "text", rule.Text("must be x", "^x$", func(text string) bool { return text == "x" }), "must be x", []thing{{Text: "x"}}, []thing{{}, {Text: "y"}},
			`{"properties":{"text":{"type":["string","number"],"pattern":"^x$"}}}`},
		{"from to", "number", rule.From(2, 3).Noting(" seconds"), "must be from 2 to 3 seconds", []thing{{Number: 2}, {Number: 3}}, []thing{{Number: 1}, {Number: 4}},
			`{"properties":{"number":{"type":"integer","minimum":2,"maximum":3}}}`},
		{"from to, of a part", "part", rule.From(0, 1), "must be from 0 to 1", []thing{{}, {Part: 0.5}, {Part: 1}}, []thing{{Part: -0.1}, {Part: 1.1}},
			`{"properties":{"part":{"type":"number","minimum":0,"maximum":1}}}`},
		{"more than 0", "number", rule.MoreThanZero(), "must be more than 0", []thing{{Number: 1}}, []thing{{}, {Number: -1}},
			`{"properties":{"number":{"type":"integer","minimum":1}}}`},
		{"more than 0, if it is there", "maybe", rule.MoreThanZero(), "must be more than 0", []thing{{}, {Maybe: new(int32(1))}}, []thing{{Maybe: new(int32(0))}},
			`{"properties":{"maybe":{"type":"integer","minimum":1}}}`},
		{"more than 0, of a quantity", "amount", rule.MoreThanZero(), "must be more than 0", []thing{{}, {Amount: amount("1m")}}, []thing{{Amount: amount("0")}, {Amount: amount("-1")}},
			`{"properties":{"amount":{"type":["string","number"]}}}`},
		{"0 or more", "number", rule.ZeroOrMore(), "must be 0 or more", []thing{{}, {Number: 1}}, []thing{{Number: -1}},
			`{"properties":{"number":{"type":"integer","minimum":0}}}`},
		{"a span", "number", rule.Span(1, time.Millisecond), "must be more than 0 milliseconds, and at most 292 years, e.g. 15000 or 15s",
			[]thing{{Number: 1}, {Number: 9223372036854}}, []thing{{}, {Number: -1}, {Number: 9223372036855}}, `{"properties":{"number":{"type":"integer","minimum":1}}}`},
		{"a span that may be nothing", "number", rule.Span(0, time.Second), "must be 0 seconds or more, and at most 292 years, e.g. 30 or 30s",
			[]thing{{}, {Number: 9223372036}}, []thing{{Number: -1}, {Number: 9223372037}}, `{"properties":{"number":{"type":"integer","minimum":0}}}`},
		{"some from", "codes", rule.SomeFrom("codes", 1, 9), "must be one or more codes, each from 1 to 9", []thing{{Codes: []int{1, 9}}}, []thing{{}, {Codes: []int{1, 10}}, {Codes: []int{0}}},
			`{"properties":{"codes":{"type":"array","items":{"type":"integer","minimum":1,"maximum":9},"minItems":1}}}`},
		{"not below", "number", rule.NotBelow("least"), "must be at least least", []thing{{Number: 2, Least: 2}}, []thing{{Number: 1, Least: 2}},
			`{"properties":{"number":{"type":"integer"}}}`},
		{"required", "inner", rule.Required("{}"), "required, e.g. {}", []thing{{Inner: inner}}, []thing{{}}, `{"properties":{"inner":{"type":"object"}}}`},
		{"required of a type", "inner", rule.RequiredOfType("a"), "required when type is a", []thing{{}, {Type: "b"}, {Type: "a", Inner: inner}}, []thing{{Type: "a"}},
			`{"properties":{"inner":{"type":"object"}},"allOf":[{"if":{"properties":{"type":{"const":"a"}},"required":["type"]},"then":{"required":["inner"]}}]}`},
		{"required with", "text", rule.RequiredWith("other"), "required when other is set", []thing{{}, {Text: "x"}, {Text: "x", Other: "y"}}, []thing{{Other: "y"}},
			`{"properties":{"text":{"type":["string","number"]}},"dependentRequired":{"other":["text"]}}`},
		{"that", "text", rule.That("must be other", func(x *thing) bool { return x.Text == x.Other }), "must be other", []thing{{}, {Text: "a", Other: "a"}}, []thing{{Text: "a"}},
			`{"properties":{"text":{"type":["string","number"]}}}`},
		{"when", "text", rule.When(func(x *thing) bool { return x.Type == "on" }, rule.NotEmpty()), "must not be empty", []thing{{}, {Type: "on", Text: "x"}}, []thing{{Type: "on"}},
			`{"properties":{"text":{"type":["string","number"],"minLength":1}}}`},
		{"and", "number", rule.From(0, 9).And(rule.That(", and odd", func(x *thing) bool { return x.Number%2 == 1 })), "must be from 0 to 9, and odd",
			[]thing{{Number: 3}}, []thing{{Number: 2}, {Number: 11}}, `{"properties":{"number":{"type":"integer","minimum":0,"maximum":9}}}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.rule.String(); got != row.words {
				t.Errorf("its words are %q, want %q", got, row.words)
			}
			for _, keeps := range row.keeps {
				if !row.rule.Holds(&keeps, row.key) {
					t.Errorf("%+v breaks it", keeps)
				}
			}
			for _, broke := range row.broke {
				if row.rule.Holds(&broke, row.key) {
					t.Errorf("%+v keeps it", broke)
				}
			}
			if got := described(t, row.rule, row.key); got != row.schema {
				t.Errorf("its schema is\n%s\nwant\n%s", got, row.schema)
			}
		})
	}
	if other := rule.NotBelow("least").Other(); other != "least" {
		t.Errorf("the other key is %q, want least", other)
	}
}

func described(t *testing.T, r rule.Rule, key string) string {
	t.Helper()
	text := func() *rule.Schema { return &rule.Schema{Type: []string{"string", "number"}} }
	shapes := map[string]*rule.Schema{
		"text": text(), "amount": text(), "number": {Type: "integer"}, "maybe": {Type: "integer"}, "part": {Type: "number"}, "inner": {Type: "object"},
		"codes": {Type: "array", Items: &rule.Schema{Type: "integer"}},
	}
	object := &rule.Schema{Properties: map[string]*rule.Schema{key: shapes[key]}}
	r.Describe(object, key)
	got, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestASchemaIsNotShared(t *testing.T) {
	r := rule.OneOf("a", "b")
	one, other := &rule.Schema{Properties: map[string]*rule.Schema{"text": {}}}, &rule.Schema{Properties: map[string]*rule.Schema{"text": {}}}
	r.Describe(one, "text")
	one.Properties["text"].Enum[0] = "x"
	r.Describe(other, "text")
	if got := other.Properties["text"].Enum[0]; got != "a" {
		t.Errorf("a change of one schema changed another: it has %s", got)
	}
}
