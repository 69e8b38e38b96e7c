package desired

import (
	"fmt"
	"slices"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// Notice is a part of an object that is not used, and why.
type Notice struct{ Reason, Message string }

// Ignored are the parts of the object that its Deployment does not use.
func Ignored(object *cpav1.CustomPodAutoscaler) (notices []Notice) {
	template, err := templateOf(object)
	if err != nil {
		return nil
	}
	if written := writtenAccount(template); written != "" && written != accountOf(object, template) {
		notices = append(notices, Notice{"AccountIgnored", fmt.Sprintf("spec.template.spec.serviceAccountName %q is not used: the pod runs under %q, which the operator provisions (spec.provisionServiceAccount)",
			text.Clip(written, 253), object.Name)})
	}
	for _, entry := range object.Spec.Config {
		if slices.Contains(reserved, entry.Name) {
			notices = append(notices, Notice{"ConfigIgnored", fmt.Sprintf("the entry %s of spec.config is not used: the operator sets it by spec.scaleTargetRef and the object's own name and namespace", entry.Name)})
		}
	}
	return notices
}
