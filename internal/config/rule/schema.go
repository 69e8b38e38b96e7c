package rule

import (
	"slices"
	"strings"
)

// Schema is a JSON Schema, as far as one is needed to describe a configuration file.
type Schema struct {
	Version     string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Ref         string `json:"$ref,omitempty"`

	Type      any      `json:"type,omitempty"`
	Default   any      `json:"default,omitempty"`
	Enum      []string `json:"enum,omitempty"`
	Const     string   `json:"const,omitempty"`
	Minimum   *int64   `json:"minimum,omitempty"`
	Maximum   *int64   `json:"maximum,omitempty"`
	MinLength int      `json:"minLength,omitempty"`
	Pattern   string   `json:"pattern,omitempty"`

	Items    *Schema `json:"items,omitempty"`
	MinItems int     `json:"minItems,omitempty"`

	Properties        map[string]*Schema  `json:"properties,omitempty"`
	Additional        any                 `json:"additionalProperties,omitempty"` // false, or the schema of every value
	Required          []string            `json:"required,omitempty"`
	DependentRequired map[string][]string `json:"dependentRequired,omitempty"`

	If    *Schema            `json:"if,omitempty"`
	Then  *Schema            `json:"then,omitempty"`
	AllOf []*Schema          `json:"allOf,omitempty"`
	AnyOf []*Schema          `json:"anyOf,omitempty"`
	Defs  map[string]*Schema `json:"$defs,omitempty"`
}

// At is the schema at a path of names.
func (s *Schema) At(path string) *Schema {
	for name := range strings.SplitSeq(path, ".") {
		s = s.Properties[name]
	}
	return s
}

// Require asks for the last name of a path, and for each object that leads to it.
func (s *Schema) Require(path string) {
	for name := range strings.SplitSeq(path, ".") {
		if !slices.Contains(s.Required, name) {
			s.Required = append(s.Required, name)
		}
		s = s.Properties[name]
	}
}
