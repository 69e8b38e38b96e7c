package podstatus

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestIsReady(t *testing.T) {
	scheduled := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}
	for _, row := range []struct {
		name       string
		conditions []corev1.PodCondition
		known      bool
		want       bool
	}{
		{"no conditions yet", nil, false, false},
		{"only another condition", []corev1.PodCondition{scheduled}, false, false},
		{"not ready", []corev1.PodCondition{scheduled, {Type: corev1.PodReady, Status: corev1.ConditionFalse}}, true, false},
		{"unknown", []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionUnknown}}, true, false},
		{"ready", []corev1.PodCondition{scheduled, {Type: corev1.PodReady, Status: corev1.ConditionTrue}}, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := &corev1.Pod{Status: corev1.PodStatus{Conditions: row.conditions}}
			if got, known := IsReady(pod), ReadyCondition(pod) != nil; got != row.want || known != row.known {
				t.Errorf("got %t, and the condition is there: %t", got, known)
			}
		})
	}
}
