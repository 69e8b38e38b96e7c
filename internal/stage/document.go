package stage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// podDocuments are the documents of pods, which have all but the pod in common: that is encoded once.
type podDocuments struct {
	ofTarget userlogic.MetricInput
	rest     []byte // what follows the pod; nil where each pod has its own
}

// head is what comes before the pod, in every document.
const head = `{"resource":`

func newPodDocuments(ofTarget userlogic.MetricInput, own bool) (podDocuments, error) {
	d := podDocuments{ofTarget: ofTarget}
	if own && len(ofTarget.KubernetesMetrics) > 0 {
		return d, nil
	}
	var err error
	d.rest, err = afterPod(ofTarget)
	return d, err
}

// afterPod is a document without what it is about.
func afterPod(input userlogic.MetricInput) ([]byte, error) {
	input.Resource = nil
	text, err := encode(input)
	return bytes.TrimPrefix(text, []byte(head+"null")), err
}

// of is the document of one pod.
func (d podDocuments) of(pod workload.Pod) (method.Document, error) {
	resource, err := pod.Document()
	if err != nil {
		return method.Document{}, err
	}
	rest := d.rest
	if rest == nil {
		if rest, err = afterPod(d.ownMetrics(pod.Name)); err != nil {
			return method.Document{}, err
		}
	}
	return method.Document{Pieces: [][]byte{[]byte(head), resource, rest}}, nil
}

// ownMetrics has of each metric what is known of one pod: its value, what it requests, whether it is ignored or missing. The
// counts are still those of all pods.
func (d podDocuments) ownMetrics(pod string) userlogic.MetricInput {
	input := d.ofTarget
	input.KubernetesMetrics = slices.Clone(input.KubernetesMetrics)
	for i, metric := range input.KubernetesMetrics {
		input.KubernetesMetrics[i] = kubernetes.Own(metric, pod)
	}
	return input
}

func encode(document any) ([]byte, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("writing a document for user logic: %w", err)
	}
	return text, nil
}
