// Package security tests what nobody may gain, and what may never be shown.
package security

import (
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
