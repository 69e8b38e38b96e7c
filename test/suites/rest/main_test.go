// Package rest tests what an autoscaler serves: its REST API, who may call it, and what callers cannot do to it.
package rest

import (
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
