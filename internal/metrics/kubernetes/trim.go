package kubernetes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/podstatus"
)

// Trim takes off a pod all that grouping does not read, for who keeps thousands of them.
func Trim(pod *corev1.Pod) {
	ready := podstatus.ReadyCondition(pod)
	*pod = corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID, DeletionTimestamp: pod.DeletionTimestamp},
		Spec:       corev1.PodSpec{Containers: containers(pod.Spec.Containers), InitContainers: containers(pod.Spec.InitContainers), Resources: pod.Spec.Resources},
		Status:     corev1.PodStatus{Phase: pod.Status.Phase, StartTime: pod.Status.StartTime},
	}
	if ready != nil {
		pod.Status.Conditions = []corev1.PodCondition{*ready}
	}
}

func containers(all []corev1.Container) []corev1.Container {
	trimmed := slices.Clone(all)
	for i, c := range all {
		trimmed[i] = corev1.Container{Name: c.Name, Resources: corev1.ResourceRequirements{Requests: c.Resources.Requests}, RestartPolicy: c.RestartPolicy}
	}
	return trimmed
}
