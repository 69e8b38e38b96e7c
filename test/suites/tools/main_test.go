// Package tools tests what people run themselves: the plugin, checks, recordings, simulations and their reports, and the examples.
package tools

import (
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
