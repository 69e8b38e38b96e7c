// Package userlogic holds the documents exchanged with user code: what a metric, an evaluate program or a hook is
// given on standard input or as a request body, and what it replies.
//
// It is public so that user logic written in Go decodes what it is given with the types that wrote it:
//
//	var input userlogic.EvaluateInput
//	err := json.NewDecoder(os.Stdin).Decode(&input)
//
// The shapes are a contract; keys are added, never renamed or dropped. The package runs nothing.
package userlogic

import (
	"encoding/json"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// RunType says what a pass was started by.
type RunType string

// What starts a pass.
const (
	Scaler    RunType = "scaler"      // the loop, once every interval
	API       RunType = "api"         // a request to the REST API
	APIDryRun RunType = "api_dry_run" // a request that only asks what would be done
)

// MetricInput is given to the metric method and to the preMetric hook. For a metric method that runs once per pod,
// Resource is the pod; otherwise it is the target.
type MetricInput struct {
	Resource          json.RawMessage    `json:"resource"`
	RunType           RunType            `json:"runType"`
	KubernetesMetrics []KubernetesMetric `json:"kubernetesMetrics,omitempty"`
	Sources           []SourceMetric     `json:"sources,omitempty"`
}

// PostMetricInput is given to the postMetric hook.
type PostMetricInput struct {
	Resource          json.RawMessage    `json:"resource"`
	Metrics           []ResourceMetric   `json:"metrics"`
	RunType           RunType            `json:"runType"`
	KubernetesMetrics []KubernetesMetric `json:"kubernetesMetrics,omitempty"`
	Sources           []SourceMetric     `json:"sources,omitempty"`
}

// ResourceMetric is what the metric method replied for one resource: the target, or one of its pods.
type ResourceMetric struct {
	Resource string `json:"resource"` // the resource's name
	Value    string `json:"value"`    // the reply, to the letter
}

// EvaluateInput is given to the evaluate method and its hooks. Evaluation is there for postEvaluate only.
type EvaluateInput struct {
	Metrics    []ResourceMetric `json:"metrics"`
	Resource   json.RawMessage  `json:"resource"`
	Evaluation *Evaluation      `json:"evaluation,omitempty"`
	RunType    RunType          `json:"runType"`
}

// ScaleInput is given to the preScale and postScale hooks. Evaluation carries what was decided, after limits and
// stabilization; TargetReplicas is what evaluate asked for.
type ScaleInput struct {
	Evaluation      Evaluation                                `json:"evaluation"`
	Resource        json.RawMessage                           `json:"resource"`
	ScaleTargetRef  autoscalingv2.CrossVersionObjectReference `json:"scaleTargetRef"`
	Namespace       string                                    `json:"namespace"`
	MinReplicas     int32                                     `json:"minReplicas"`
	MaxReplicas     int32                                     `json:"maxReplicas"`
	TargetReplicas  int32                                     `json:"targetReplicas"`
	CurrentReplicas int32                                     `json:"currentReplicas"`
	RunType         RunType                                   `json:"runType"`
}
