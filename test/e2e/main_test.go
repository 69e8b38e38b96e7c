// Package e2e runs the real program against a real control plane: its pods are simulated, everything else is not.
package e2e

import (
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
