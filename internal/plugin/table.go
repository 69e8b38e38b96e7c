package plugin

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// none stands where nothing is known.
const none = "-"

// Columns are the heads of a table.
var Columns = []string{"NAME", "TARGET", "MIN", "MAX", "CURRENT", "RECOMMENDED", "DESIRED", "READY", "LAST SCALED", "REASONS"}

// Row is an object in a table.
func Row(object cpav1.CustomPodAutoscaler, now time.Time) []string {
	target, status := object.Spec.ScaleTargetRef, object.Status
	return []string{
		object.Name, target.Kind + "/" + target.Name,
		number(status.MinReplicas), number(status.MaxReplicas),
		number(status.CurrentReplicas), number(status.RecommendedReplicas), number(status.DesiredReplicas),
		ready(status.Conditions), lastScaled(status.LastScaleTime, now), reasons(status.Reasons),
	}
}

func number(replicas *int32) string {
	if replicas == nil {
		return none
	}
	return fmt.Sprint(*replicas)
}

// ready is the condition's status, with its reason where it is not True.
func ready(conditions []metav1.Condition) string {
	switch condition := meta.FindStatusCondition(conditions, cpav1.Ready); {
	case condition == nil:
		return none
	case condition.Status == metav1.ConditionTrue:
		return string(condition.Status)
	default:
		return fmt.Sprintf("%s (%s)", condition.Status, condition.Reason)
	}
}

func lastScaled(at *metav1.Time, now time.Time) string {
	if at == nil {
		return none
	}
	return ago(at.Time, now)
}

func ago(at, now time.Time) string { return duration.HumanDuration(max(0, now.Sub(at))) + " ago" }

func reasons(chain []cpav1.Reason) string {
	var words []string
	for _, one := range chain {
		words = append(words, one.Reason)
	}
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ",")
}
