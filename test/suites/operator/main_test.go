// Package operator tests the operator, how it is installed, and the autoscalers that it looks after.
package operator

import (
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
