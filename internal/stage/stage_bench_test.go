package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// glutton is user logic that takes its document and no time.
type glutton struct{ bytes atomic.Int64 }

func (g *glutton) Run(_ context.Context, document method.Document) (string, error) {
	g.bytes.Add(int64(document.Len()))
	return "1", nil
}

// BenchmarkMetric writes what the metric method is given, for each of so many pods or for all: without Kubernetes metrics, with
// the cpu of all pods, and with that of the pod itself.
func BenchmarkMetric(b *testing.B) {
	for _, mode := range []string{config.PerPod, config.PerResource} {
		for _, pods := range []int{10, 500} {
			for _, metrics := range []string{"none", "all", "own"} {
				if mode == config.PerResource && metrics == "own" { // is of pods
					continue
				}
				b.Run(fmt.Sprintf("mode=%s/pods=%d/metrics=%s", mode, pods, metrics), func(b *testing.B) {
					snapshot := workload.Snapshot{Document: []byte(`{"kind":"Deployment"}`), Pods: workload.PodsOf(recorded(b, pods))}
					var gathered []userlogic.KubernetesMetric
					if metrics != "none" {
						gathered = cpuOf(snapshot.Pods)
					}
					logic := &glutton{}
					metric := Metric{Stage: Stage{Main: logic}, Mode: mode, OwnMetrics: metrics == "own"}
					b.ReportAllocs()
					for b.Loop() {
						if _, err := metric.Run(b.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot, Gathered: metricsOf(gathered)}); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(logic.bytes.Load())/float64(b.N), "document-B/op")
				})
			}
		}
	}
}

// recorded are pods as a cluster has them.
func recorded(b *testing.B, count int) []corev1.Pod {
	b.Helper()
	text, err := os.ReadFile("../workload/testdata/pod.json")
	if err != nil {
		b.Fatal(err)
	}
	pods := make([]corev1.Pod, count)
	for i := range pods {
		if err := json.Unmarshal(text, &pods[i]); err != nil {
			b.Fatal(err)
		}
		pods[i].Name = fmt.Sprintf("web-555cb88757-%05d", i)
	}
	return pods
}

// cpuOf is the cpu of all pods, as it is gathered.
func cpuOf(pods []workload.Pod) []userlogic.KubernetesMetric {
	now := metav1.NewTime(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	cpu := &userlogic.ResourceMetrics{PodMetricsInfo: map[string]userlogic.PodMetric{}, Requests: map[string]int64{}, ReadyPodCount: int64(len(pods)), TotalPods: len(pods), Timestamp: now}
	for _, pod := range pods {
		cpu.PodMetricsInfo[pod.Name] = userlogic.PodMetric{Timestamp: now, Window: time.Minute, Value: 100}
		cpu.Requests[pod.Name] = 200
	}
	spec := autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType},
	}}
	return []userlogic.KubernetesMetric{{CurrentReplicas: int32(len(pods)), Spec: spec, Resource: cpu}}
}
