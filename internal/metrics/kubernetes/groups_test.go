package kubernetes

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/podstatus"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

var (
	now   = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	rules = StartUpRules{CPUInitializationPeriod: 5 * time.Minute, InitialReadinessDelay: 30 * time.Second}
)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// pod is a pod that started and turned ready or unready some time ago.
func pod(started, turned time.Duration, ready corev1.ConditionStatus) corev1.Pod {
	start := ago(started)
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Status: corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &start,
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: ago(turned)}},
	}}
}

func with(pod corev1.Pod, change func(*corev1.Pod)) corev1.Pod {
	change(&pod)
	return pod
}

// counting are the pods that count.
func counting(pods []corev1.Pod) (living []*corev1.Pod) {
	for i := range pods {
		if podstatus.Counts(&pods[i]) {
			living = append(living, &pods[i])
		}
	}
	return living
}

// TestGroup shows where one pod goes, for cpu and for memory.
func TestGroup(t *testing.T) {
	const yes, no = corev1.ConditionTrue, corev1.ConditionFalse
	old := pod(time.Hour, 59*time.Minute, yes)
	measured := &userlogic.PodMetric{Timestamp: ago(10 * time.Second), Window: 30 * time.Second, Value: 1}
	for _, row := range []struct {
		name        string
		pod         corev1.Pod
		metric      *userlogic.PodMetric
		cpu, memory string
	}{
		{"ready for long", old, measured, "ready", "ready"},
		{"ready for long, not measured", old, nil, "missing", "missing"},
		{"terminating", with(old, func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: now} }), measured, "out", "out"},
		{"failed", with(old, func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }), measured, "out", "out"},
		{"succeeded, not measured", with(old, func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), nil, "out", "out"},
		{"succeeded, still measured", with(old, func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), measured, "out", "out"},
		{"pending", with(old, func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }), nil, "ignored", "ignored"},
		{"pending, yet measured", with(old, func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }), measured, "ignored", "ignored"},
		{"no ready condition", with(old, func(p *corev1.Pod) { p.Status.Conditions = nil }), measured, "ignored", "ready"},
		{"no start time", with(old, func(p *corev1.Pod) { p.Status.StartTime = nil }), measured, "ignored", "ready"},
		{"starting, unready", pod(time.Minute, time.Minute, no), measured, "ignored", "ready"},
		{"starting, ready, a whole window measured", pod(2*time.Minute, time.Minute, yes), measured, "ready", "ready"},
		{"starting, ready, exactly a window measured", pod(time.Minute, 40*time.Second, yes), measured, "ready", "ready"},
		{"starting, ready, less than a window measured", pod(time.Minute, 39*time.Second, yes), measured, "ignored", "ready"},
		{"starting, readiness unknown", pod(2*time.Minute, time.Minute, corev1.ConditionUnknown), measured, "ready", "ready"},
		{"at the end of the initialization period, unready", pod(5*time.Minute, time.Minute, no), measured, "ready", "ready"},
		{"started, never ready", pod(time.Hour, time.Hour-29*time.Second, no), measured, "ignored", "ready"},
		{"started, unready since the readiness delay", pod(time.Hour, time.Hour-30*time.Second, no), measured, "ready", "ready"},
		{"started, was ready, turned unready", pod(time.Hour, time.Minute, no), measured, "ready", "ready"},
	} {
		for resource, want := range map[corev1.ResourceName]string{"cpu": row.cpu, "memory": row.memory} {
			t.Run(row.name+"/"+string(resource), func(t *testing.T) {
				metrics := map[string]userlogic.PodMetric{}
				if row.metric != nil {
					metrics["web"] = *row.metric
				}
				g := group(counting([]corev1.Pod{row.pod}), metrics, rules.startUp(resource, now))
				if got := placed(g, "web"); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

// placed names every group that the pod is in.
func placed(g groups, name string) string {
	var in []string
	if _, ok := g.ready[name]; ok {
		in = append(in, "ready")
	}
	if _, ok := g.ignored[name]; ok {
		in = append(in, "ignored")
	}
	if _, ok := g.missing[name]; ok {
		in = append(in, "missing")
	}
	if in == nil {
		return "out"
	}
	return strings.Join(in, "+")
}

// FuzzGroupIsAPartition holds that every live pod is in exactly one group, whatever pods and metrics there are. Each
// byte makes a pod: its bits choose phase, deletion, readiness, times and whether it is measured.
func FuzzGroupIsAPartition(f *testing.F) {
	f.Add([]byte{0, 1, 2, 4, 8, 16, 32, 64, 128, 255})
	f.Fuzz(func(t *testing.T, shapes []byte) {
		var pods []corev1.Pod
		metrics := map[string]userlogic.PodMetric{}
		for i, shape := range shapes {
			pods = append(pods, shaped(i, shape))
			if shape&128 != 0 {
				metrics[pods[i].Name] = userlogic.PodMetric{Timestamp: ago(time.Duration(shape) * time.Second), Window: time.Minute}
			}
		}
		for _, resource := range []corev1.ResourceName{"cpu", "memory"} {
			living := counting(pods)
			g := group(living, metrics, rules.startUp(resource, now))
			for _, pod := range pods {
				got := placed(g, pod.Name)
				isAlive := slices.ContainsFunc(living, func(l *corev1.Pod) bool { return l.Name == pod.Name })
				if strings.Contains(got, "+") || isAlive == (got == "out") {
					t.Errorf("pod %+v is in %s", pod.Status, got)
				}
			}
			if g.total() != len(living) {
				t.Errorf("%d pods in groups, %d alive", g.total(), len(living))
			}
		}
	})
}

func shaped(i int, shape byte) corev1.Pod {
	ready := []corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionFalse}[shape>>4&1]
	p := pod(time.Duration(shape)*7*time.Second, time.Duration(shape&31)*10*time.Second, ready)
	p.Name = string(rune('a'+i%26)) + strings.Repeat("x", i/26)
	p.Status.Phase = []corev1.PodPhase{corev1.PodRunning, corev1.PodPending, corev1.PodFailed, corev1.PodSucceeded}[shape&3]
	if shape&4 != 0 {
		p.DeletionTimestamp = &metav1.Time{Time: now}
	}
	if shape&8 != 0 {
		p.Status.Conditions = nil
	}
	if shape&64 != 0 {
		p.Status.StartTime = nil
	}
	return p
}
