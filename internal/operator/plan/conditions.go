package plan

import (
	"reflect"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// longestMessage bounds what the API server has to say, which may be about every field of a template.
const longestMessage = 4 << 10

// Conditions are ours, with the times of those that the object has already.
func Conditions(object *cpav1.CustomPodAutoscaler, now Outcome) (conditions []metav1.Condition) {
	for name, condition := range map[string]metav1.Condition{cpav1.Ready: now.Ready, cpav1.Paused: now.Paused} {
		if before := meta.FindStatusCondition(object.Status.Conditions, name); before != nil {
			meta.SetStatusCondition(&conditions, *before)
		}
		condition.Message = text.Clip(desired.Mask(object, condition.Message), longestMessage)
		if condition.Type, condition.ObservedGeneration = name, object.Generation; condition.Reason != "" {
			meta.SetStatusCondition(&conditions, condition)
		}
	}
	return conditions
}

// IsNoted tells whether the object's status has the conditions, for this generation, and the replicas that its target is held at.
func IsNoted(object *cpav1.CustomPodAutoscaler, conditions []metav1.Condition, held *int32) bool {
	status := object.Status
	return status.ObservedGeneration == object.Generation && sameConditions(status.Conditions, conditions) &&
		(held == nil || same(status.CurrentReplicas, held) && same(status.DesiredReplicas, held))
}

func same(a, b *int32) bool { return a != nil && b != nil && *a == *b }

func sameConditions(there, ours []metav1.Condition) bool {
	for _, condition := range ours {
		if before := meta.FindStatusCondition(there, condition.Type); before == nil || !reflect.DeepEqual(*before, condition) {
			return false
		}
	}
	return true
}
