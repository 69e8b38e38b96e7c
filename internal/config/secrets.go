package config

import (
	"maps"
	"slices"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// Secrets are the values that are known to be credentials: those of the methods' headers and URLs, and of the environment
// variables whose names say so. They are hidden wherever they occur in what the program shows.
func (l Loaded) Secrets() []string {
	known := l.Config.secrets()
	for _, name := range slices.Sorted(maps.Keys(l.variables)) {
		known = append(known, secret.OfVariable(name, l.variables[name])...)
	}
	public := l.Config.public()
	return slices.DeleteFunc(known, func(value string) bool { return slices.Contains(public, value) })
}

func (c *Config) secrets() (known []string) {
	for _, method := range c.Methods() {
		known = append(known, method.Secrets()...)
	}
	return known
}

// Secrets are the values of the method's own configuration that are known to be credentials.
func (m *Method) Secrets() (known []string) {
	if m.HTTP == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(m.HTTP.Headers)) {
		known = append(known, secret.OfHeader(name, m.HTTP.Headers[name])...)
	}
	return append(known, secret.OfURL(m.HTTP.URL)...)
}

// public are words that a query may have as well, and that every error needs.
func (c *Config) public() []string {
	words := []string{c.Namespace}
	if ref := c.ScaleTargetRef; ref != nil {
		words = append(words, ref.Name, ref.Kind, ref.APIVersion)
	}
	return words
}
