package kubernetes

import (
	"math"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

func requesting(quantities ...string) []corev1.Container {
	var containers []corev1.Container
	for i, quantity := range quantities {
		container := corev1.Container{Name: string(rune('a' + i))}
		if quantity != "" {
			container.Resources.Requests = corev1.ResourceList{"cpu": resource.MustParse(quantity)}
		}
		containers = append(containers, container)
	}
	return containers
}

func TestRequest(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	sidecar, setUp := requesting("50m"), requesting("900m")
	sidecar[0].RestartPolicy = &always
	ofThePod := func(name corev1.ResourceName, quantity string) *corev1.ResourceRequirements {
		return &corev1.ResourceRequirements{Requests: corev1.ResourceList{name: resource.MustParse(quantity)}}
	}
	for _, row := range []struct {
		name      string
		spec      corev1.PodSpec
		container string
		want      int64
		error     string
	}{
		{"one container", corev1.PodSpec{Containers: requesting("200m")}, wholePod, 200, ""},
		{"containers are summed", corev1.PodSpec{Containers: requesting("200m", "1")}, wholePod, 1200, ""},
		{"a sidecar counts", corev1.PodSpec{Containers: requesting("200m"), InitContainers: sidecar}, wholePod, 250, ""},
		{"an init container that ends does not", corev1.PodSpec{Containers: requesting("200m"), InitContainers: setUp}, wholePod, 200, ""},
		{"the pod's own request wins", corev1.PodSpec{Containers: requesting("200m", ""), Resources: ofThePod("cpu", "2")}, wholePod, 2000, ""},
		{"the pod's own request of something else leaves the containers'", corev1.PodSpec{Containers: requesting("200m"), Resources: ofThePod("memory", "1Gi")}, wholePod, 200, ""},
		{"the pod's own request of something else, and none of the containers", corev1.PodSpec{Containers: requesting(""), Resources: ofThePod("memory", "1Gi")}, wholePod, 0, `pod "web" has no cpu request in spec.resources`},
		{"a request of zero", corev1.PodSpec{Containers: requesting("0")}, wholePod, 0, ""},
		{"no request", corev1.PodSpec{Containers: requesting("200m", "")}, wholePod, 0, `pod "web" has no cpu request in container "b"`},
		{"no container", corev1.PodSpec{}, wholePod, 0, ""},
		{"more than there are numbers", corev1.PodSpec{Containers: requesting("9E", "9E")}, wholePod, math.MaxInt64, ""},
		{"the container that is named", corev1.PodSpec{Containers: requesting("200m", "1")}, "b", 1000, ""},
		{"a sidecar that is named", corev1.PodSpec{Containers: requesting("200m"), InitContainers: renamed(sidecar, "proxy")}, "proxy", 50, ""},
		{"the named container's request, not the pod's", corev1.PodSpec{Containers: requesting("200m"), Resources: ofThePod("cpu", "2")}, "a", 200, ""},
		{"another container's missing request is of no consequence", corev1.PodSpec{Containers: requesting("", "1")}, "b", 1000, ""},
		{"the named container has no request", corev1.PodSpec{Containers: requesting("1", "")}, "b", 0, `pod "web" has no cpu request in container "b"`},
		{"no such container", corev1.PodSpec{Containers: requesting("1")}, "z", 0, `pod "web" has no container "z"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			web := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: row.spec}
			got, err := requests([]*corev1.Pod{web}, "cpu", row.container)
			if row.error != "" {
				if err == nil || !strings.Contains(err.Error(), row.error) {
					t.Errorf("got error %v, want %q", err, row.error)
				}
				return
			}
			if err != nil || got["web"] != row.want {
				t.Errorf("got %v, %v; want %d", got, err, row.want)
			}
		})
	}
}

func renamed(containers []corev1.Container, name string) []corev1.Container {
	containers = slices.Clone(containers)
	containers[0].Name = name
	return containers
}

func TestUsage(t *testing.T) {
	measured := func(quantities ...string) metricsv1beta1.PodMetrics {
		pod := metricsv1beta1.PodMetrics{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
		for _, container := range requesting(quantities...) {
			pod.Containers = append(pod.Containers, metricsv1beta1.ContainerMetrics{Name: container.Name, Usage: container.Resources.Requests})
		}
		return pod
	}
	for _, row := range []struct {
		name      string
		pod       metricsv1beta1.PodMetrics
		container string
		want      int64
		measured  bool
	}{
		{"containers are summed", measured("100m", "20m"), wholePod, 120, true},
		{"a thousandth is rounded up", measured("1n"), wholePod, 1, true},
		{"one container not measured", measured("100m", ""), wholePod, 0, false},
		{"no container", measured(), wholePod, 0, false},
		{"more than there are numbers", measured("9E", "9E"), wholePod, math.MaxInt64, true},
		{"the container that is named", measured("100m", "20m"), "b", 20, true},
		{"another container not measured", measured("", "20m"), "b", 20, true},
		{"the named container not measured", measured("100m", ""), "b", 0, false},
		{"no such container", measured("100m"), "z", 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, measured := usage([]metricsv1beta1.PodMetrics{row.pod}, "cpu", row.container)["web"]
			if got.Value != row.want || measured != row.measured {
				t.Errorf("got %d (measured: %t), want %d (%t)", got.Value, measured, row.want, row.measured)
			}
		})
	}
}
