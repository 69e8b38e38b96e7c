package kubernetes

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/podstatus"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// TestATrimmedPodIsGroupedAsTheWholeOne, and is a lot smaller.
func TestATrimmedPodIsGroupedAsTheWholeOne(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	rich := func(change func(*corev1.Pod)) *corev1.Pod {
		pod := pod(time.Hour, time.Hour, corev1.ConditionTrue)
		pod.Labels = map[string]string{"app": "web"}
		pod.Spec.Containers = requesting("200m", "1")
		pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "b"}}
		pod.Spec.InitContainers = renamed(requesting("50m"), "proxy")
		pod.Spec.InitContainers[0].RestartPolicy = &always
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodScheduled})
		pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
		change(&pod)
		return &pod
	}
	for name, change := range map[string]func(*corev1.Pod){
		"running":      func(*corev1.Pod) {},
		"pending":      func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending },
		"failed":       func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed },
		"going":        func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: now} },
		"unready":      func(p *corev1.Pod) { podstatus.ReadyCondition(p).Status = corev1.ConditionFalse },
		"no condition": func(p *corev1.Pod) { p.Status.Conditions = nil },
		"not started":  func(p *corev1.Pod) { p.Status.StartTime = nil },
		"the pod's own request": func(p *corev1.Pod) {
			p.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("3")}}
		},
	} {
		whole := rich(change)
		trimmed := whole.DeepCopy()
		Trim(trimmed)
		if len(trimmed.Labels)+len(trimmed.ManagedFields)+len(trimmed.Spec.Containers[0].Env) > 0 {
			t.Errorf("%s: it still has %v", name, trimmed)
		}
		of := func(pod *corev1.Pod) (all []any) {
			living := counting([]corev1.Pod{*pod})
			measured := map[string]userlogic.PodMetric{"web": {Timestamp: metav1.NewTime(now), Window: time.Minute, Value: 7}}
			requested, err := requests(living, "cpu", wholePod)
			ofOne, errOfOne := requests(living, "cpu", "proxy")
			return append(all, len(living), group(living, measured, rules.startUp("cpu", now)), requested, err, ofOne, errOfOne)
		}
		if got, want := fmt.Sprint(of(trimmed)), fmt.Sprint(of(whole)); got != want {
			t.Errorf("%s: trimmed it is %s, whole %s", name, got, want)
		}
	}
}
