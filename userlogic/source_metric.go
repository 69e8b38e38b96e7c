package userlogic

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SourceMetric is what was read for one entry of metricSources.
type SourceMetric struct {
	Name          string      `json:"name"`
	Type          string      `json:"type"`
	Value         float64     `json:"value"`           // in the metric's own unit
	ReadyPodCount int64       `json:"ready_pod_count"` // that share it
	Timestamp     metav1.Time `json:"timestamp"`
}
