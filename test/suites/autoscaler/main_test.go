// Package autoscaler tests what an autoscaler does: it measures, asks user logic, scales, and tells of it.
package autoscaler

import (
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
