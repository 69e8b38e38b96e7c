package config

import (
	"iter"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// Validate gives every rule that the configuration breaks, as Problems. Load asks for the same rules.
func (c Config) Validate() error {
	l := &decode.Ledger{}
	checkAll(l, &c)
	return l.Result("", configKeys)
}

// checkAll asks for every rule there is.
func checkAll(l *decode.Ledger, c *Config) {
	l.Check("", configKeys, c)
	l.Check("scaleTargetRef.", targetKeys, c.ScaleTargetRef)
	l.Check("apiConfig.", apiKeys, &c.APIConfig)
	l.Check("record.", recordKeys, c.Record)
	l.Check("customPodAutoscaler.", ownerKeys, c.CustomPodAutoscaler)
	checkSpecs(l, c.KubernetesMetricSpecs)
	c.MetricSources.Check(l, c.Proposes())
	if c.Proposes() {
		checkAims(l, c.KubernetesMetricSpecs)
	}
	for name, method := range c.Methods() {
		method.Check(l, name)
	}
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
