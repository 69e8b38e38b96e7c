package userlogic

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KubernetesMetric is what was gathered for one entry of kubernetesMetricSpecs. Of its sources just the one that the
// spec's type names is there. All values are in thousandths of the metric's unit: 250 is a quarter of a cpu.
type KubernetesMetric struct {
	CurrentReplicas int32                    `json:"current_replicas"`
	Spec            autoscalingv2.MetricSpec `json:"spec"`

	Resource          *ResourceMetrics `json:"resource,omitempty"`
	ContainerResource *ResourceMetrics `json:"container_resource,omitempty"`
	Pods              *PodsMetrics     `json:"pods,omitempty"`
	Object            *SingleMetric    `json:"object,omitempty"`
	External          *SingleMetric    `json:"external,omitempty"`
}

// ResourceMetrics are a Resource or ContainerResource metric's values, pod by pod.
type ResourceMetrics struct {
	PodMetricsInfo map[string]PodMetric `json:"pod_metrics_info"`
	Requests       map[string]int64     `json:"requests"` // null unless the target is a utilization
	ReadyPodCount  int64                `json:"ready_pod_count"`
	IgnoredPods    PodSet               `json:"ignored_pods"`
	MissingPods    PodSet               `json:"missing_pods"`
	TotalPods      int                  `json:"total_pods"`
	Timestamp      metav1.Time          `json:"timestamp"`
}

// PodsMetrics are a Pods metric's values, pod by pod.
type PodsMetrics struct {
	PodMetricsInfo map[string]PodMetric `json:"pod_metrics_info"`
	ReadyPodCount  int64                `json:"ready_pod_count"`
	IgnoredPods    PodSet               `json:"ignored_pods"` // null where there are none
	MissingPods    PodSet               `json:"missing_pods"`
	TotalPods      int                  `json:"total_pods"`
	Timestamp      metav1.Time          `json:"timestamp"`
}

// SingleMetric is the one value of an Object metric, or the sum of an External metric's values.
type SingleMetric struct {
	Current       CurrentValue `json:"current"`
	ReadyPodCount *int64       `json:"ready_pod_count,omitempty"` // for the target type Value only
	Timestamp     metav1.Time  `json:"timestamp"`
}

// CurrentValue has the value under the name of the target's type. It is the whole value, not an average: whoever wants
// one for each pod divides it.
type CurrentValue struct {
	Value        *int64 `json:"value,omitempty"`
	AverageValue *int64 `json:"average_value,omitempty"`
}

// PodMetric is one pod's value, and the window that it was measured over.
type PodMetric struct {
	Timestamp metav1.Time   `json:"Timestamp"`
	Window    time.Duration `json:"Window"` // nanoseconds
	Value     int64         `json:"Value"`
}

// PodSet is a set of pods' names.
type PodSet map[string]struct{}
