// Package recording keeps what passes were given and what they came to, and lets another configuration decide it anew.
//
// Passes come in as they end, and go to a file, one line of JSON each; of the two files there are, the older one is let
// go of. A Tape gives such a line back to the pipeline in place of the cluster, and Replay says where decisions differ. It
// reads no cluster, and does not know what user logic is.
package recording

import (
	"encoding/json"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Entry is one pass: a line of a recording.
type Entry struct {
	Version  int                `json:"version"`
	State    *decision.State    `json:"state,omitempty"` // before the pass; nil in version 1
	Decision userlogic.Decision `json:"decision"`        // without the metrics, which are below as they were

	Target            *Target                      `json:"target,omitempty"` // nil where it could not be read
	Pods              []json.RawMessage            `json:"pods,omitzero"`    // where metric ran for each of them; nil where it did not
	KubernetesMetrics []userlogic.KubernetesMetric `json:"kubernetesMetrics,omitempty"`
	Sources           []userlogic.SourceMetric     `json:"sources,omitempty"`
	Metrics           []userlogic.ResourceMetric   `json:"metrics,omitempty"`
}

// Target is what was scaled, as the pass saw it.
type Target struct {
	autoscalingv2.CrossVersionObjectReference
	Namespace string          `json:"namespace"`
	Replicas  int32           `json:"replicas"` // as its scale said there should be
	Running   int32           `json:"running"`  // and that there are
	Object    json.RawMessage `json:"object"`
}

// version is that of the shape of an Entry. Version 1, which is read as well, has no state.
const version = 2

// entryOf is a pass without what may be secret. Pods are only of use where metric is run for each of them.
func entryOf(p pass.Pass, perPod bool) (entry Entry, err error) {
	gathered := metrics.DocumentsOf(p.Gathered)
	entry = Entry{
		Version: version, State: &p.State, Decision: p.Document(""),
		KubernetesMetrics: gathered.Kubernetes, Sources: gathered.Sources, Metrics: p.Metrics,
	}
	entry.Decision.Metrics, entry.Decision.MetricsLeftOut = nil, 0
	s := p.Snapshot
	if s.Document == nil {
		return entry, nil
	}
	entry.Target = &Target{CrossVersionObjectReference: s.Ref, Namespace: s.Namespace, Replicas: s.Replicas, Running: s.Running}
	if entry.Target.Object, err = secret.Object(s.Document); err != nil {
		return entry, err
	}
	if perPod {
		entry.Pods, err = documents(s.Pods)
	}
	return entry, err
}

func documents(pods []workload.Pod) ([]json.RawMessage, error) {
	all := make([]json.RawMessage, 0, len(pods))
	for _, pod := range pods {
		document, err := pod.Document()
		if err != nil {
			return nil, err
		}
		if document, err = secret.Object(document); err != nil {
			return nil, err
		}
		all = append(all, document)
	}
	return all, nil
}
