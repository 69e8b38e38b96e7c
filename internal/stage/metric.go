package stage

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/internal/target"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// Metric is the metric stage, run once for the target or once for each of its pods.
type Metric struct {
	Stage
	Mode string
}

// Run gives the metric method's replies.
func (m Metric) Run(ctx context.Context, snapshot target.Snapshot, gathered []userlogic.KubernetesMetric, runType userlogic.RunType) ([]userlogic.ResourceMetric, error) {
	ofTarget := userlogic.MetricInput{Resource: snapshot.Document, RunType: runType, KubernetesMetrics: gathered}
	if err := method.SendHook(ctx, m.Before, ofTarget); err != nil {
		return nil, err
	}
	inputs, err := m.inputs(snapshot, ofTarget)
	if err != nil {
		return nil, err
	}
	metrics := make([]userlogic.ResourceMetric, 0, len(inputs))
	for _, input := range inputs {
		reply, err := method.Send(ctx, m.Main, input.document)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", input.name, err)
		}
		metrics = append(metrics, userlogic.ResourceMetric{Resource: input.name, Value: reply})
	}
	return metrics, method.SendHook(ctx, m.After, userlogic.PostMetricInput{
		Resource: snapshot.Document, Metrics: metrics, RunType: runType, KubernetesMetrics: gathered,
	})
}

// named is a document and the name of the resource that it is about.
type named struct {
	name     string
	document userlogic.MetricInput
}

// inputs are what the metric method is run with; there may be none, where Kubernetes metrics are all that is asked for.
func (m Metric) inputs(snapshot target.Snapshot, ofTarget userlogic.MetricInput) ([]named, error) {
	switch {
	case m.Main == nil:
		return nil, nil
	case m.Mode == config.PerPod:
		return perPod(snapshot.Pods, ofTarget)
	}
	return []named{{snapshot.Ref.Name, ofTarget}}, nil
}

// perPod gives each pod that runs a document of its own, in the order of their names.
func perPod(pods []corev1.Pod, ofTarget userlogic.MetricInput) ([]named, error) {
	var inputs []named
	for _, pod := range pods {
		if !runs(pod) {
			continue
		}
		input := ofTarget
		var err error
		if input.Resource, err = target.PodDocument(pod); err != nil {
			return nil, fmt.Errorf("writing pod %q as JSON: %w", pod.Name, err)
		}
		inputs = append(inputs, named{pod.Name, input})
	}
	return inputs, nil
}

// runs tells whether there is something to measure: not of a pod that is going or gone.
func runs(pod corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded
}
