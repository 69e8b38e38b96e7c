package config

import (
	"reflect"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/kinds"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

// Proposes tells whether evaluate decides by the Kubernetes metrics alone, and so needs no metric method either.
func (c *Config) Proposes() bool { return c.Evaluate != nil && c.Evaluate.Describes().Proposes }

// normalize spells settings as they are used.
func (c *Config) normalize() {
	for _, m := range c.Methods() {
		for _, of := range kinds.Of[method.Kind](m) {
			if normal, is := of.(method.Normal); is && !reflect.ValueOf(of).IsNil() {
				normal.Normalize()
			}
		}
	}
}

// stabilizationKey is the one of which a kind of evaluate may have a default of its own.
const stabilizationKey = "downscaleStabilization"

// stabilize sets evaluate's own stabilization window, unless one is configured.
func (c *Config) stabilize() {
	if c.Evaluate != nil {
		c.DownscaleStabilization = max(c.DownscaleStabilization, span.Seconds(c.Evaluate.Describes().StabilizationWindow/time.Second))
	}
}
