package desired

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

var (
	// refused is where the API server quotes the value of a field that may hold a credential, as in:
	//
	//	spec.template.spec.containers[0].env[1].name: Invalid value: "...": a valid ...
	refused = regexp.MustCompile(`(?i)((?:env|args|command|httpHeaders|annotations|volumeAttributes|options)\b[^\s:]*: (?:Invalid|Unsupported|Duplicate) value: )` +
		`(?:"(?:[^"\\]|\\.)*"|\{.*|\S+)`)

	// untyped is how it quotes a value of the wrong type: got &value.valueUnstructured{Value:12345}
	untyped = regexp.MustCompile(`(valueUnstructured\{Value:).*`)
)

// Mask takes what may be a credential out of a message about an object: values that the API server quotes of fields that may
// hold one, all that stands in the object's environments, commands, headers and configuration, and what looks like one.
func Mask(object *cpav1.CustomPodAutoscaler, message string) string {
	message = refused.ReplaceAllString(message, "${1}"+secret.Hidden)
	message = untyped.ReplaceAllString(message, "${1}"+secret.Hidden)
	return secret.New(secretsOf(object)...).Mask(message)
}

// secretsOf are the values of an object that may be credentials.
func secretsOf(object *cpav1.CustomPodAutoscaler) []string {
	found := values{public: map[string]bool{
		object.Name: true, object.Namespace: true, object.Spec.ScaleTargetRef.Name: true, object.Spec.ScaleTargetRef.Kind: true,
	}}
	for _, entry := range object.Spec.Config {
		found.add(entry.Value)
	}
	var template any
	if json.Unmarshal(object.Spec.Template.Raw, &template) == nil {
		found.search("", template)
	}
	return found.all
}

// values are gathered from a template.
type values struct {
	all    []string
	public map[string]bool // names that a message needs
}

func (v *values) add(value any) {
	if text := strings.TrimSpace(fmt.Sprint(value)); value != nil && !v.public[text] {
		v.all = append(v.all, text)
	}
}

// search gathers values of variables and headers, arguments, and whatever is named like a credential.
func (v *values) search(name string, field any) {
	switch field := field.(type) {
	case []any:
		for _, item := range field {
			v.search(name, item)
		}
	case map[string]any:
		for inside, value := range field {
			if name == "annotations" || name == "volumeAttributes" || name == "options" {
				inside = "value"
			}
			v.search(inside, value)
		}
	default:
		if name == "value" || name == "command" || name == "args" || secret.Name(name) {
			v.add(field)
		}
	}
}
