// Package operatortest holds helpers for the tests of the operator's packages.
package operatortest

import (
	"testing"

	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// Object reads an object from YAML. It is in the namespace shop and has the uid 123.
func Object(t *testing.T, text []byte) *cpav1.CustomPodAutoscaler {
	t.Helper()
	object := &cpav1.CustomPodAutoscaler{}
	if err := yaml.Unmarshal(text, object); err != nil {
		t.Fatal(err)
	}
	object.Namespace, object.UID = "shop", "123"
	return object
}
