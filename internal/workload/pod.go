package workload

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/podstatus"
)

// Pod is one of the target's. It is not to be changed.
type Pod struct {
	*corev1.Pod
	written json.RawMessage // as user code is given it, where that is at hand
}

// PodsOf are pods that were just read.
func PodsOf(read []corev1.Pod) []Pod {
	pods := make([]Pod, len(read))
	for i := range read {
		pods[i].Pod = &read[i]
	}
	return pods
}

// Counts reports whether the pod runs or will run.
func (p Pod) Counts() bool { return podstatus.Counts(p.Pod) }

// PodOf is a pod that was written as user code is given it.
func PodOf(document json.RawMessage) (Pod, error) {
	pod := Pod{Pod: &corev1.Pod{}, written: document}
	return pod, json.Unmarshal(document, pod.Pod)
}

// Document is the pod as user code is given it.
func (p Pod) Document() (json.RawMessage, error) {
	if p.written != nil {
		return p.written, nil
	}
	pod := *p.Pod
	pod.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	document, err := json.Marshal(&pod)
	if err != nil {
		return nil, fmt.Errorf("writing pod %q as JSON: %w", pod.Name, err)
	}
	return document, nil
}
