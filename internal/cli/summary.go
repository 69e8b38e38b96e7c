package cli

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// summary is a Kubernetes metric on one line.
func summary(metric userlogic.KubernetesMetric) string {
	name := kubernetes.Describe(metric.Spec)
	reading, err := kubernetes.Read(metric)
	switch {
	case err != nil:
		return name
	case reading.Value != nil:
		return name + ": " + milli(reading.Value.Amount())
	}
	return name + ": " + ofPods(*reading.Pods)
}

func ofPods(m metrics.Pods) string {
	of := userlogic.ResourceMetrics{PodMetricsInfo: m.Ready, Requests: m.Requests}
	text := fmt.Sprintf("total %s, average %s", milli(of.Total()), milli(of.Average()))
	if percent, known := of.Utilization(); known {
		text += fmt.Sprintf(", %d%% of requests", percent)
	}
	return text + "; " + pods(len(m.Ready), m.Ignored, m.Missing)
}

func pods(ready int, ignored, missing userlogic.PodSet) string {
	return fmt.Sprintf("%s, %d ignored, %d missing", text.Count(ready, "pod", "pods"), len(ignored), len(missing))
}

func milli(thousandths int64) string {
	return resource.NewMilliQuantity(thousandths, resource.DecimalSI).String()
}
