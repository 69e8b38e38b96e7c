package kubernetes

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
)

// requests gives what each pod, or one container of each, requests of the resource, in thousandths.
func requests(living []*corev1.Pod, name corev1.ResourceName, container string) (map[string]int64, error) {
	requested := make(map[string]int64, len(living))
	for _, pod := range living {
		request, err := request(pod, name, container)
		if err != nil {
			return nil, err
		}
		requested[pod.Name] = request
	}
	return requested, nil
}

// request is the pod's own where it sets one, otherwise the sum over what runs next to each other: its containers and
// the init containers that keep running. Of a container that is named, it is that container's.
func request(pod *corev1.Pod, name corev1.ResourceName, container string) (int64, error) {
	if container == wholePod && podresources.IsPodLevelRequestsSet(pod) {
		quantity, ok := podresources.PodRequests(pod, podresources.PodResourcesOptions{})[name]
		if !ok {
			return 0, &fault.Fault{Err: fmt.Errorf("pod %q has no %s request in spec.resources", pod.Name, name), Hint: "set one in the target's pod template"}
		}
		return milli(quantity), nil
	}
	var sum int64
	found := container == wholePod
	for _, c := range runningContainers(pod) {
		if container != wholePod && c.Name != container {
			continue
		}
		quantity, ok := c.Resources.Requests[name]
		if !ok {
			return 0, &fault.Fault{Err: fmt.Errorf("pod %q has no %s request in container %q", pod.Name, name, c.Name),
				Hint: "set one in the target's pod template, or use the target type AverageValue"}
		}
		sum, found = add(sum, milli(quantity)), true
	}
	if !found {
		return 0, &fault.Fault{Err: fmt.Errorf("pod %q has no container %q (containerResource.container)", pod.Name, container), Setting: ".containerResource.container"}
	}
	return sum, nil
}

func runningContainers(pod *corev1.Pod) []corev1.Container {
	containers := pod.Spec.Containers[:len(pod.Spec.Containers):len(pod.Spec.Containers)]
	for _, container := range pod.Spec.InitContainers {
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			containers = append(containers, container)
		}
	}
	return containers
}
