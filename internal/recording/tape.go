package recording

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kubemetrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Tape stands in for the cluster, and for the clock, of a pipeline. It is at one entry, and is not safe for two passes at once.
type Tape struct {
	Specs  []autoscalingv2.MetricSpec // that the pipeline asks for
	PerPod bool                       // whether it runs metric for each pod

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

// Gather gives the metrics of the specs that were recorded, as of the specs that are asked for: what a metric aims at may
// be another now.
func (t *Tape) Gather(context.Context, time.Time, workload.Snapshot) (gathered []userlogic.KubernetesMetric, err error) {
	var missing []kubemetrics.SpecError
	for i, spec := range t.Specs {
		recorded, there := t.find(spec)
		if !there {
			missing = append(missing, kubemetrics.SpecError{Index: i, Spec: spec, Err: errors.New("it was not recorded")})
			continue
		}
		recorded.Spec = spec
		gathered = append(gathered, recorded)
	}
	if len(missing) > 0 {
		err = &kubemetrics.Error{Specs: missing, Of: len(t.Specs)}
	}
	return gathered, err
}

func (t *Tape) find(spec autoscalingv2.MetricSpec) (userlogic.KubernetesMetric, bool) {
	for _, metric := range t.at.KubernetesMetrics {
		if identity(metric.Spec) == identity(spec) {
			return metric, true
		}
	}
	return userlogic.KubernetesMetric{}, false
}

// identity is what the value of a metric depends on: all of its spec but the numbers that it aims at.
func identity(spec autoscalingv2.MetricSpec) string {
	spec = *spec.DeepCopy()
	if _, aim := metrics.Target(&spec); aim != nil {
		*aim = autoscalingv2.MetricTarget{Type: aim.Type}
	}
	text, _ := json.Marshal(spec) // of plain values
	return string(text)
}

// Scale changes nothing: what has been has been.
func (t *Tape) Scale(context.Context, pass.Observation, decision.Decision) (scaled bool, err error) {
	return false, nil
}
