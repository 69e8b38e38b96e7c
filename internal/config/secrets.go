package config

import (
	"maps"
	"reflect"
	"slices"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/kinds"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/direct"
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

// secrets are those of all settings of kinds, also of such as are not used.
func (c *Config) secrets() (known []string) {
	for _, m := range c.Methods() {
		for _, of := range kinds.Of[method.Kind](m) {
			known = append(known, secretsOf(of)...)
		}
	}
	for i := range c.MetricSources {
		for _, of := range kinds.Of[direct.Kind](&c.MetricSources[i]) {
			known = append(known, secretsOf(of)...)
		}
	}
	return known
}

func secretsOf(kind any) []string {
	if secretive, is := kind.(method.Secretive); is && !reflect.ValueOf(kind).IsNil() {
		return secretive.Secrets()
	}
	return nil
}

// public are words that a query may have as well, and that every error needs.
func (c *Config) public() []string {
	words := []string{c.Namespace}
	if ref := c.ScaleTargetRef; ref != nil {
		words = append(words, ref.Name, ref.Kind, ref.APIVersion)
	}
	return words
}
