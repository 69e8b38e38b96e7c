package kubemetrics

import (
	"fmt"
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podresources "k8s.io/component-helpers/resource"
)

// requests gives what each pod requests of the resource, in thousandths.
func requests(living []*corev1.Pod, name corev1.ResourceName) (map[string]int64, error) {
	requested := make(map[string]int64, len(living))
	for _, pod := range living {
		request, err := request(pod, name)
		if err != nil {
			return nil, err
		}
		requested[pod.Name] = request
	}
	return requested, nil
}

// request is the pod's own where it sets one, otherwise the sum over what runs next to each other: its containers and
// the init containers that keep running.
func request(pod *corev1.Pod, name corev1.ResourceName) (int64, error) {
	if podresources.IsPodLevelRequestsSet(pod) {
		quantity, ok := podresources.PodRequests(pod, podresources.PodResourcesOptions{})[name]
		if !ok {
			return 0, fmt.Errorf("pod %q has no %s request in spec.resources: set one in the target's pod template", pod.Name, name)
		}
		return milli(quantity), nil
	}
	var sum int64
	for _, container := range runningContainers(pod) {
		quantity, ok := container.Resources.Requests[name]
		if !ok {
			return 0, fmt.Errorf("pod %q has no %s request in container %q: set one in the target's pod template, or use the target type AverageValue",
				pod.Name, name, container.Name)
		}
		sum = add(sum, milli(quantity))
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

// maxMilli is the largest quantity that fits an int64 of thousandths.
var maxMilli = resource.NewMilliQuantity(math.MaxInt64, resource.DecimalSI)

// milli is the quantity in thousandths, held at the largest number there is.
func milli(quantity resource.Quantity) int64 {
	if quantity.Cmp(*maxMilli) > 0 {
		return math.MaxInt64
	}
	return quantity.MilliValue()
}

// add sums two numbers that are not negative, held at the largest number there is.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
