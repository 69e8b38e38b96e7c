// Package pass is what came of one pass: what it saw and decided, or why it failed, and the document that tells of it.
//
// It is a value. The engine makes it; reports, recordings, simulations and the plugin read it.
package pass

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// The stages of a pass, in their order.
const (
	ReadTarget        = "read_target"
	ListPods          = "list_pods"
	KubernetesMetrics = "kubernetes_metrics"
	Metric            = "metric"
	Evaluate          = "evaluate"
	Decide            = "decide"
	Scale             = "scale"
)

// StageNames are the names of the stages, in their order.
func StageNames() []string {
	return []string{ReadTarget, ListPods, KubernetesMetrics, Metric, Evaluate, Decide, Scale}
}

// LeaseNotHeld is why a pass fails while another autoscaler scales for the same object.
const LeaseNotHeld = "LeaseNotHeld"

// Pass is what came of one pass.
type Pass struct {
	RunType        userlogic.RunType
	Began          time.Time
	Stages         []Stage
	Target         corev1.ObjectReference // whole once it has been read
	Snapshot       workload.Snapshot      // of that
	State          decision.State         // before the pass
	Decision       *decision.Decision     // nil if it did not come so far
	UserReason     string                 // what evaluate gave as its own reason
	Gathered       []metrics.Metric
	MetricsProblem error // why some Kubernetes metrics are missing
	Metrics        []userlogic.ResourceMetric
	Waits          bool     // for metrics that are not there yet, as is usual at a start
	Failure        *Failure // nil if it succeeded

	mask func(string) string
}

// New is a pass that has just begun; mask takes credentials out of what is shown of it.
func New(runType userlogic.RunType, began time.Time, state decision.State, mask func(string) string) Pass {
	return Pass{RunType: runType, Began: began, State: state, mask: mask}
}

// Mask takes credentials out of a text of the pass's that is shown.
func (p Pass) Mask(text string) string {
	if p.mask == nil {
		return secret.Mask(text)
	}
	return p.mask(text)
}

// DryRun tells whether the pass only asked what would be done.
func (p Pass) DryRun() bool { return p.RunType == userlogic.APIDryRun }

// Observation is what a pass knows when it asks user logic.
type Observation struct {
	Began    time.Time
	RunType  userlogic.RunType
	Target   workload.Snapshot
	Gathered []metrics.Metric
	Missing  int                        // how many of the configured metrics could not be gathered
	Metrics  []userlogic.ResourceMetric // once metric has replied
}

// Stage is a step that was taken, and how long it took.
type Stage struct {
	Name string
	Took time.Duration
}

// Fault is what is known of why the pass failed, without credentials.
func (p Pass) Fault() fault.Fields { return fault.Of(p.Failure.Err).Masked(p.Mask) }

// Failure is why a pass ended early: in which stage, and why in one of the HorizontalPodAutoscaler's words.
type Failure struct {
	Stage  string
	Reason string
	Err    error
}
