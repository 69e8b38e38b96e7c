package kubernetes

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/podstatus"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// StartUpRules say how long the cpu of a pod that starts up does not count; they are the settings of the
// HorizontalPodAutoscaler's controller.
type StartUpRules struct {
	CPUInitializationPeriod time.Duration
	InitialReadinessDelay   time.Duration
}

// groups is a partition of the live pods.
type groups struct {
	ready   map[string]userlogic.PodMetric
	ignored userlogic.PodSet
	missing userlogic.PodSet
}

func (g groups) total() int { return len(g.ready) + len(g.ignored) + len(g.missing) }

// group puts every live pod in one of three:
//
//	pending                        -> ignored
//	no metric                      -> missing
//	cpu, and still starting up     -> ignored, and its metric does not count
//	otherwise                      -> ready
func group(living []*corev1.Pod, metrics map[string]userlogic.PodMetric, startsUp func(*corev1.Pod, userlogic.PodMetric) bool) groups {
	g := groups{ready: map[string]userlogic.PodMetric{}, ignored: userlogic.PodSet{}, missing: userlogic.PodSet{}}
	for _, pod := range living {
		metric, measured := metrics[pod.Name]
		switch {
		case pod.Status.Phase == corev1.PodPending:
			g.ignored[pod.Name] = struct{}{}
		case !measured:
			g.missing[pod.Name] = struct{}{}
		case startsUp(pod, metric):
			g.ignored[pod.Name] = struct{}{}
		default:
			g.ready[pod.Name] = metric
		}
	}
	return g
}

// startUp gives the rule for a resource: only cpu is misleading while a pod starts up.
func (r StartUpRules) startUp(resource corev1.ResourceName, now time.Time) func(*corev1.Pod, userlogic.PodMetric) bool {
	if resource != corev1.ResourceCPU {
		return func(*corev1.Pod, userlogic.PodMetric) bool { return false }
	}
	return func(pod *corev1.Pod, metric userlogic.PodMetric) bool { return r.startsUp(pod, metric, now) }
}

// startsUp tells whether the pod's cpu is that of starting up:
//
//	start ......... + CPUInitializationPeriod ..................>
//	| unready, or no whole window  | unready ever since, and turned so
//	| of metrics since it is ready | within InitialReadinessDelay of its start
func (r StartUpRules) startsUp(pod *corev1.Pod, metric userlogic.PodMetric, now time.Time) bool {
	ready := podstatus.ReadyCondition(pod)
	if ready == nil || pod.Status.StartTime == nil {
		return true
	}
	start, turned := pod.Status.StartTime.Time, ready.LastTransitionTime.Time
	unready := ready.Status == corev1.ConditionFalse
	if start.Add(r.CPUInitializationPeriod).After(now) {
		return unready || metric.Timestamp.Time.Before(turned.Add(metric.Window))
	}
	return unready && start.Add(r.InitialReadinessDelay).After(turned)
}
