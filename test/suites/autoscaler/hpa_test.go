package autoscaler

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// hpaPatience is for steps that wait for the HorizontalPodAutoscaler, which looks every 15 seconds at metrics that are
// as old again.
const hpaPatience = 3 * time.Minute

// twins are two Deployments of the same load: the program's, by the hpa evaluator, and a HorizontalPodAutoscaler's.
type twins struct {
	*testing.T
	ours, theirs string // namespaces
}

// startTwins starts both on the same metrics, with limits of 1 and 8 and nothing that slows a change down. Each has one
// pod to begin with.
func startTwins(t *testing.T, metrics string) twins {
	t.Helper()
	return scaled(t, metrics, harness.Deploy(t, 1), harness.Deploy(t, 1))
}

// scaled starts the scaling of a Deployment in one namespace, and of its twin in the other.
func scaled(t *testing.T, metrics, ours, theirs string) twins {
	t.Helper()
	pair := twins{t, ours, theirs}
	var specs []autoscalingv2.MetricSpec
	if err := yaml.UnmarshalStrict([]byte(metrics), &specs); err != nil {
		t.Fatal(err)
	}
	one, atOnce := int32(1), int32(0)
	hpa := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
			MinReplicas:    &one, MaxReplicas: 8, Metrics: specs,
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
				ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &atOnce},
				ScaleUp: &autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{
					{Type: autoscalingv2.PodsScalingPolicy, Value: 100, PeriodSeconds: 1},
				}},
			},
		},
	}
	if _, err := harness.Client(t).AutoscalingV2().HorizontalPodAutoscalers(pair.theirs).Create(t.Context(), hpa, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Start(t, harness.Options{Config: fmt.Sprintf(`
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
namespace: %s
interval: 3000
maxReplicas: 8
downscaleStabilization: 0
evaluate: {type: hpa}
kubernetesMetricSpecs: %s
`, pair.ours, metrics)})
	return pair
}

// follow waits until both have come to the same end of a step, and holds that neither turned back on its way there. On the
// way they may differ: who looks more often may see one of two new pods measured, and the other not yet.
func (w twins) follow(end int32) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), hpaPatience)
	defer cancel()
	ours, theirs := []int32{harness.Replicas(w.T, w.ours)}, []int32{harness.Replicas(w.T, w.theirs)}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for ours[len(ours)-1] != end || theirs[len(theirs)-1] != end {
		select {
		case <-ctx.Done():
			w.Fatalf("to %d: ours went %v, theirs %v", end, ours, theirs)
		case <-tick.C:
		}
		ours, theirs = slices.Compact(append(ours, harness.Replicas(w.T, w.ours))), slices.Compact(append(theirs, harness.Replicas(w.T, w.theirs)))
	}
	w.Logf("to %d: ours went %v, theirs %v", end, ours, theirs)
	if !slices.IsSorted(rising(ours)) || !slices.IsSorted(rising(theirs)) {
		w.Errorf("to %d: ours went %v, theirs %v, want no turn", end, ours, theirs)
	}
}

// rising is a course from its lower end to its higher.
func rising(course []int32) []int32 {
	if course[0] > course[len(course)-1] {
		slices.Reverse(course)
	}
	return course
}

func TestTheHPAEvaluatorFollowsAQueueAsAnHPADoes(t *testing.T) {
	t.Parallel()
	pair := startTwins(t, `[{type: External, external: {metric: {name: queue}, target: {type: AverageValue, averageValue: "10"}}}]`)
	pair.seesNothing()
	pair.follow(1) // there is no such metric yet
	for _, step := range []struct {
		value string
		end   int32
	}{{"25", 3}, {"71", 8}, {"500", 8}, {"42", 5}, {"3", 1}} {
		harness.SetExternalMetric(t, pair.ours, "queue", nil, step.value)
		harness.SetExternalMetric(t, pair.theirs, "queue", nil, step.value)
		pair.follow(step.end)
	}
}

func TestTheHPAEvaluatorFollowsCPUAsAnHPADoes(t *testing.T) {
	t.Parallel()
	pair := startTwins(t, `[{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]`)
	use := pair.use()
	use.Store(180) // of 200m: 1.8 times what is aimed at
	pair.follow(8)
	use.Store(20)
	pair.follow(1)
}

// seesNothing waits until the HorizontalPodAutoscaler has failed to read its metric.
func (w twins) seesNothing() {
	w.Helper()
	harness.Eventually(w.T, "the HorizontalPodAutoscaler to miss its metric", func() (bool, error) {
		hpa, err := harness.Client(w.T).AutoscalingV2().HorizontalPodAutoscalers(w.theirs).Get(w.Context(), "web", metav1.GetOptions{})
		return err == nil && slices.ContainsFunc(hpa.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
			return c.Type == autoscalingv2.ScalingActive && c.Reason == "FailedGetExternalMetric"
		}), err
	})
}

// TestTheHPAEvaluatorWaitsForPodsAsAnHPADoes has pods that are never scheduled, but for the first: one that is far too
// busy asks for another, and no more are asked for while that one never becomes ready.
func TestTheHPAEvaluatorWaitsForPodsAsAnHPADoes(t *testing.T) {
	t.Parallel()
	first := func() string {
		namespace := cluster.Start(t).Namespace(t)
		harness.CreateDeploymentOf(t, namespace, func(pod *corev1.PodTemplateSpec) {
			pod.Annotations["kwok.x-k8s.io/usage-cpu"] = "180m"
			pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/never"}}
		})
		harness.Eventually(t, "a pod", func() (bool, error) { return len(harness.PodsOf(t, namespace, "web")) == 1, nil })
		harness.PatchPod(t, namespace, harness.PodsOf(t, namespace, "web")[0].Name, `{"spec": {"schedulingGates": null}}`)
		harness.PodsAreReady(t, namespace, 1)
		return namespace
	}
	pair := scaled(t, `[{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]`, first(), first())
	pair.follow(2)
	pair.stays(2, 80, 100) // 90% of the first, and one that may be idle: 45% of both
}

// TestTheHPAEvaluatorIsAsCarefulAsAnHPA shows both pods that cannot be seen and pods that are not ready.
func TestTheHPAEvaluatorIsAsCarefulAsAnHPA(t *testing.T) {
	t.Parallel()
	pair := startTwins(t, `[{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]`)
	use := pair.use()
	pair.scale(4)

	pair.hide(2)
	use.Store(180)
	pair.stays(4, 80, 100) // 90% of two pods, and two that may be idle: 45% of all
	pair.hide(0)
	pair.follow(8)

	pair.hide(4)
	use.Store(20)
	pair.stays(8, 5, 15) // 10% of four pods, and four that may be busy: 55% of all
	pair.unready(3)
	pair.hide(0)
	pair.follow(1)
}

// scale gives both so many replicas by hand, and waits until their pods are measured.
func (w twins) scale(count int32) {
	w.Helper()
	for _, namespace := range []string{w.ours, w.theirs} {
		harness.SetReplicas(w.T, namespace, count)
		harness.PodsAreReady(w.T, namespace, int(count))
		harness.PodsAreMeasured(w.T, namespace, "web", int(count))
	}
}

// hide makes so many pods of both, the first by name, ones that metrics-server does not measure: those without memory.
func (w twins) hide(count int) {
	w.Helper()
	for _, namespace := range []string{w.ours, w.theirs} {
		pods := harness.PodsOf(w.T, namespace, "web")
		for i, pod := range pods {
			memory := "32Mi"
			if i < count {
				memory = "0"
			}
			harness.PatchPod(w.T, namespace, pod.Name, fmt.Sprintf(`{"metadata": {"annotations": {"kwok.x-k8s.io/usage-memory": %q}}}`, memory))
		}
	}
}

// unready makes so many pods of both, the last by name, not ready.
func (w twins) unready(count int) {
	w.Helper()
	now := time.Now().UTC().Format(time.RFC3339)
	for _, namespace := range []string{w.ours, w.theirs} {
		pods := harness.PodsOf(w.T, namespace, "web")
		for _, pod := range pods[len(pods)-count:] {
			harness.PatchPod(w.T, namespace, pod.Name, `{"status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "`+now+`"}]}}`, "status")
		}
	}
}

// stays waits until the HorizontalPodAutoscaler has seen a utilization within these bounds, and both have kept their
// replicas all the while.
func (w twins) stays(count int32, least, most int32) {
	w.Helper()
	harness.Eventually(w.T, fmt.Sprintf("a utilization from %d to %d", least, most), func() (bool, error) {
		for _, namespace := range []string{w.ours, w.theirs} {
			if got := harness.Replicas(w.T, namespace); got != count {
				w.Fatalf("namespace %s (ours is %s) has %d replicas, want %d", namespace, w.ours, got, count)
			}
		}
		hpa, err := harness.Client(w.T).AutoscalingV2().HorizontalPodAutoscalers(w.theirs).Get(w.Context(), "web", metav1.GetOptions{})
		if err != nil || len(hpa.Status.CurrentMetrics) != 1 || hpa.Status.CurrentMetrics[0].Resource == nil {
			return false, err
		}
		seen := hpa.Status.CurrentMetrics[0].Resource.Current.AverageUtilization
		return seen != nil && *seen >= least && *seen <= most, nil
	})
}

// use makes every pod of both twins use so many thousandths of a cpu, those that come later too.
func (w twins) use() *atomic.Int64 {
	var millis atomic.Int64
	millis.Store(100)
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	clientset := harness.Client(w.T)
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for ctx.Err() == nil {
			for _, namespace := range []string{w.ours, w.theirs} {
				annotate(ctx, clientset.CoreV1().Pods(namespace), millis.Load())
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}()
	w.Cleanup(func() { cancel(); <-done })
	return &millis
}

// annotate makes pods use so much from now on. What goes wrong is made good by the next round.
func annotate(ctx context.Context, pods typedcorev1.PodInterface, millis int64) {
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		return
	}
	patch := fmt.Appendf(nil, `{"metadata": {"annotations": {"kwok.x-k8s.io/usage-cpu": "%dm"}}}`, millis)
	for _, pod := range list.Items {
		_, _ = pods.Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	}
}
