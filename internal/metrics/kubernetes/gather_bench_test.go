package kubernetes

import (
	"context"
	"fmt"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
)

// BenchmarkGather gathers cpu and memory without the reads: what the API answered is at hand already.
func BenchmarkGather(b *testing.B) {
	specs := []autoscalingv2.MetricSpec{of("cpu", autoscalingv2.UtilizationMetricType), of("memory", autoscalingv2.AverageValueMetricType)}
	for _, pods := range []int{10, 500, 5_000} {
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			living, measured := many(pods)
			sources := Sources(specs, measured, rules)
			b.ReportAllocs()
			for b.Loop() {
				gathered, err := sources.Gather(b.Context(), &metrics.Scene{Now: now, Pods: living})
				if err != nil || len(gathered[0].Pods.Ready) != pods {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(pods), "ns/pod")
		})
	}
}

func of(name corev1.ResourceName, target autoscalingv2.MetricTargetType) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: name, Target: autoscalingv2.MetricTarget{Type: target},
	}}
}

// read is what the metrics APIs answer.
type read struct {
	Reader
	pods []metricsv1beta1.PodMetrics
}

func (r read) PodMetrics(context.Context, *metrics.Scene) ([]metricsv1beta1.PodMetrics, error) {
	return r.pods, nil
}

// many are so many pods that run, and what was measured of them.
func many(pods int) (living []*corev1.Pod, measured read) {
	amounts := corev1.ResourceList{"cpu": resource.MustParse("200m"), "memory": resource.MustParse("64Mi")}
	for i := range pods {
		web := pod(time.Hour, time.Hour, corev1.ConditionTrue)
		web.Name = fmt.Sprintf("web-%05d", i)
		web.Spec.Containers = []corev1.Container{{Name: "web", Resources: corev1.ResourceRequirements{Requests: amounts}}}
		living = append(living, &web)
		measured.pods = append(measured.pods, metricsv1beta1.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: web.Name}, Timestamp: ago(time.Second), Window: metav1.Duration{Duration: time.Minute},
			Containers: []metricsv1beta1.ContainerMetrics{{Name: "web", Usage: amounts}},
		})
	}
	return living, measured
}
