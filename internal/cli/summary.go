package cli

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kubemetrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// summary is a Kubernetes metric on one line.
func summary(metric userlogic.KubernetesMetric) string {
	name := kubemetrics.Describe(metric.Spec)
	switch {
	case metric.Resource != nil:
		return name + ": " + ofPods(*metric.Resource)
	case metric.ContainerResource != nil:
		return name + ": " + ofPods(*metric.ContainerResource)
	case metric.Pods != nil:
		m := metric.Pods
		return fmt.Sprintf("%s: total %s, average %s; %s", name, milli(m.Total()), milli(m.Average()), pods(m.ReadyPodCount, m.IgnoredPods, m.MissingPods))
	case metric.Object != nil:
		return name + ": " + milli(metric.Object.Amount())
	case metric.External != nil:
		return name + ": " + milli(metric.External.Amount())
	}
	return name
}

func ofPods(m userlogic.ResourceMetrics) string {
	text := fmt.Sprintf("total %s, average %s", milli(m.Total()), milli(m.Average()))
	if percent, known := m.Utilization(); known {
		text += fmt.Sprintf(", %d%% of requests", percent)
	}
	return text + "; " + pods(m.ReadyPodCount, m.IgnoredPods, m.MissingPods)
}

func pods(ready int64, ignored, missing userlogic.PodSet) string {
	return fmt.Sprintf("%s, %d ignored, %d missing", text.Count(int(ready), "pod", "pods"), len(ignored), len(missing))
}

func milli(thousandths int64) string {
	return resource.NewMilliQuantity(thousandths, resource.DecimalSI).String()
}
