// Package metrics defines what a source of metrics is: it gathers a Metric for a Scene, and reads its own document back from a
// recording. A kind of source is a folder below. The package gathers from all sources at once, and has no source itself.
package metrics

import (
	"context"
	"fmt"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/podstatus"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Source gathers one metric.
type Source interface {
	ID() ID

	// Gather reads the metric. The error is a NotYet where there is no value yet, as is usual at a start.
	Gather(context.Context, *Scene) (Metric, error)

	// Recall finds the source's own document among those that were recorded, and reads it.
	Recall(Documents) (Metric, error)
}

// ID says which source it is.
type ID struct {
	Key  string // in the configuration: kubernetesMetricSpecs[0]
	Type string // Resource
	Name string // Resource cpu
}

func (id ID) String() string { return fmt.Sprintf("%s (%s)", id.Key, id.Name) }

// Scene is what the metrics of one pass are gathered for.
type Scene struct {
	Now       time.Time
	Namespace string
	Replicas  int32           // that there should be
	Selector  labels.Selector // nil where the target has none
	Pods      []*corev1.Pod   // that count
	NoPods    error           // why there can be no pods; nil where there can be

	mutex sync.Mutex
	begun map[string]func() (any, error)
}

// ReadyPods counts the pods that share the load of a value that is not of any pod.
func (s *Scene) ReadyPods() (count int64) {
	for _, pod := range s.Pods {
		if pod.Status.Phase == corev1.PodRunning && podstatus.IsReady(pod) {
			count++
		}
	}
	return count
}

// Once returns what read returns under the key. Several sources that ask for the same in one pass read it once.
func Once[T any](s *Scene, key string, read func() (T, error)) (T, error) {
	s.mutex.Lock()
	if s.begun == nil {
		s.begun = map[string]func() (any, error){}
	}
	begun, ok := s.begun[key]
	if !ok {
		begun = sync.OnceValues(func() (any, error) { return read() })
		s.begun[key] = begun
	}
	s.mutex.Unlock()
	value, err := begun()
	return value.(T), err
}

// Metric is what was gathered from a source: the numbers, and the document that user code is given.
type Metric struct {
	Reading

	// The document is one of these.
	Kubernetes *userlogic.KubernetesMetric
	Source     *userlogic.SourceMetric
}

// Document is what user code is given.
func (m Metric) Document() any {
	if m.Source != nil {
		return m.Source
	}
	return m.Kubernetes
}

// Documents are what user code is given of the metrics of a pass, and what is recorded of them.
type Documents struct {
	Kubernetes []userlogic.KubernetesMetric
	Sources    []userlogic.SourceMetric // that are no Kubernetes metrics
}

// DocumentsOf returns the documents of metrics.
func DocumentsOf(metrics []Metric) (all Documents) {
	for _, metric := range metrics {
		if metric.Kubernetes != nil {
			all.Kubernetes = append(all.Kubernetes, *metric.Kubernetes)
		}
		if metric.Source != nil {
			all.Sources = append(all.Sources, *metric.Source)
		}
	}
	return all
}

// Reading is a metric whatever its source: what it aims at, and a value for each pod, or one that is of no pod.
type Reading struct {
	Name   string // as a HorizontalPodAutoscaler calls it: cpu resource
	Target autoscalingv2.MetricTarget
	Pods   *Pods
	Value  *userlogic.SingleMetric
}

// Pods are the values of pods, in thousandths.
type Pods struct {
	Ready            map[string]userlogic.PodMetric
	Ignored, Missing userlogic.PodSet
	Requests         map[string]int64 // nil where they were not asked for
}
