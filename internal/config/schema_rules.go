package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The rules that a JSON Schema can say, by their words: a test holds that what is made of them is what the rule's function
// asks for. What they cannot say is left to the program.
var (
	oneOfRule      = regexp.MustCompile(`^must be ([\w-]+(?: or [\w-]+)*)$`)
	fromToRule     = regexp.MustCompile(`from (\d+) to (\d+)`)
	positiveRule   = regexp.MustCompile(`^must be more than 0`)
	zeroOrMoreRule = regexp.MustCompile(`^must be 0 (?:seconds )?or more`)
	ofTypeRule     = regexp.MustCompile(`^required when type is (\w+)`)
	withKeyRule    = regexp.MustCompile(`^required when (\w+) is set`)
)

// applyRule adds what the rule of a key asks of its value, or of the object that the key is in.
func applyRule(object, at *jsonSchema, name, rule string) {
	if match := ofTypeRule.FindStringSubmatch(rule); match != nil {
		object.AllOf = append(object.AllOf, &jsonSchema{
			If:   &jsonSchema{Properties: map[string]*jsonSchema{"type": {Const: match[1]}}, Required: []string{"type"}},
			Then: &jsonSchema{Required: []string{name}},
		})
	}
	if match := withKeyRule.FindStringSubmatch(rule); match != nil {
		if object.DependentRequired == nil {
			object.DependentRequired = map[string][]string{}
		}
		object.DependentRequired[match[1]] = []string{name}
	}
	switch kinds, _ := at.Type.([]string); {
	case at.Type == "integer", at.Type == "number", slices.Contains(kinds, "integer"):
		applyBounds(at, rule)
	case at.Type == "array":
		if strings.HasPrefix(rule, "must be one or more") {
			at.MinItems = 1
			applyBounds(at.Items, rule)
		}
	}
	if _, isText := at.Type.([]string); isText && at.Pattern == "" {
		applyWords(at, rule)
	}
}

func applyBounds(at *jsonSchema, rule string) {
	match := fromToRule.FindStringSubmatch(rule)
	switch {
	case match != nil:
		at.Minimum, at.Maximum = number(match[1]), number(match[2])
	case positiveRule.MatchString(rule):
		at.Minimum = new(int64(1))
	case zeroOrMoreRule.MatchString(rule):
		at.Minimum = new(int64(0))
	}
}

// applyWords asks for one of the words of a rule. Text that must be something has to be text: a number is not.
func applyWords(at *jsonSchema, rule string) {
	if match := oneOfRule.FindStringSubmatch(rule); match != nil {
		at.Type, at.Enum = "string", strings.Split(match[1], " or ")
	}
	if strings.HasPrefix(rule, "must not be empty") {
		at.MinLength = 1
	}
	at.Pattern = patterns[rule]
}

// patterns are rules about text that only a pattern can say; each is a little wider than the rule.
var patterns = map[string]string{
	versionRule: `^(([^/]+/)?[^/]+)?$`,
	"must be a namespace's name: lower-case letters, digits and dashes, at most 63": `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`,
	"must be an http or https URL with a host, e.g. http://metrics.default/queue":   `^[hH][tT][tT][pP][sS]?://[^/]`,
	segmentRule: `^[^/%]+$`,
	prefixRule:  `^(/.*[^/])?$`,
}

func number(text string) *int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // the pattern lets digits through only
	return &n
}
