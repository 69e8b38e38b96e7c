package desired

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

func TestMessagesShowNoCredentialOfTheObject(t *testing.T) {
	object := &cpav1.CustomPodAutoscaler{}
	object.Name, object.Namespace = "orders-autoscaler", "production"
	object.Spec.Config = []cpav1.ConfigEntry{{Name: "evaluate", Value: "in-config-entry"}, {Name: "namespace", Value: "production"}}
	object.Spec.Template = runtime.RawExtension{Raw: []byte(`{"metadata": {"annotations": {"a": "in-annotation"}}, "spec": {
		"volumes": [{"csi": {"driver": "d", "volumeAttributes": {"a": "in-volume"}}}],
		"containers": [{"name": "autoscaler", "image": "registry/image:1", "command": ["in-command"], "args": ["--x", "in-argument"],
			"env": [{"name": "A", "value": "in-env"}, {"name": "N", "value": 1234567}],
			"livenessProbe": {"httpGet": {"httpHeaders": [{"name": "X", "value": "in-header"}]}}}]}}`)}
	for _, place := range []string{"in-config-entry", "in-annotation", "in-volume", "in-command", "in-argument", "in-env", "1234567", "in-header"} {
		for _, message := range []string{
			`pods "x" is forbidden: the webhook says "` + place + `" is bad`,
			`Deployment.apps "x" is invalid: spec.template.spec.x: Invalid value: "` + place + `": must be y`,
			`.spec.template.spec.containers[name="x"].env[name="N"].value: expected string, got &value.valueUnstructured{Value:` + place + `}`,
		} {
			if got := Mask(object, message); strings.Contains(got, place) || !strings.Contains(got, "***") {
				t.Errorf("got %s", got)
			}
		}
	}
	for _, message := range []string{
		`spec.template.spec.containers[0].env[1].name: Invalid value: "s3cr3t=x y": a valid environment variable name must`,
		`spec.template.spec.containers[0].env[1].valueFrom: Invalid value: {"x":"s3cr3t"}: must be`,
		`spec.template.metadata.annotations: Invalid value: "s3cr3t": must be`,
		`failed to create typed patch object: .spec.x: expected string, got &value.valueUnstructured{Value:987654321}`,
		`failed to create typed patch object: .spec.x: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"a":"s3cr3t"}}`,
	} {
		if got := Mask(object, message); strings.Contains(got, "s3cr3t") || strings.Contains(got, "98765") {
			t.Errorf("got %s", got)
		}
	}
	for _, message := range []string{
		`Deployment.apps "orders-autoscaler" is invalid: spec.template.spec.containers[0].image: Required value`,
		`applying Deployment "orders-autoscaler" in production: spec.template.spec.containers[0].name: Invalid value: "A_b": a lowercase RFC 1123 label must`,
	} {
		if got := Mask(object, message); got != message {
			t.Errorf("got  %s\nwant %s", got, message)
		}
	}
}
