package recording

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// Tape stands in for the cluster, and for the clock, of a pipeline. It is at one entry, and is not safe for two passes at once.
type Tape struct {
	Sources metrics.Sources // of the pipeline
	PerPod  bool            // whether it runs metric for each pod

	at Entry
}

// Now is when the pass was.
func (t *Tape) Now() time.Time { return t.at.Decision.Time }

// Read gives the target.
func (t *Tape) Read(context.Context) (workload.Snapshot, error) {
	of := t.at.Target
	if of == nil {
		return workload.Snapshot{}, errors.New("the target could not be read when this was recorded")
	}
	return workload.Snapshot{Ref: of.CrossVersionObjectReference, Namespace: of.Namespace, Document: of.Object, Replicas: of.Replicas, Running: of.Running}, nil
}

// Pods gives the target's pods, where they were recorded: who needs them only for metrics has those without.
func (t *Tape) Pods(context.Context, workload.Snapshot) (pods []workload.Pod, err error) {
	if t.PerPod && t.at.Pods == nil {
		return nil, errors.New("no pods were recorded, since metric ran once for the whole target: record with runMode: per-pod")
	}
	pods = make([]workload.Pod, len(t.at.Pods))
	for i, document := range t.at.Pods {
		if pods[i], err = workload.PodOf(document); err != nil {
			return nil, fmt.Errorf("reading a recorded pod: %w", err)
		}
	}
	return pods, nil
}

// Gather gives the metrics that were recorded.
func (t *Tape) Gather(context.Context, *metrics.Scene) ([]metrics.Metric, error) {
	return t.Sources.Recall(metrics.Documents{Kubernetes: t.at.KubernetesMetrics, Sources: t.at.Sources})
}

// Scale changes nothing: what has been has been.
func (t *Tape) Scale(context.Context, pass.Observation, decision.Decision) (scaled bool, err error) {
	return false, nil
}
