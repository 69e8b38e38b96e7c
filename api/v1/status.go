package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Status is how it goes.
type Status struct {
	// The generation of the object that the operator has last acted on.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// The fewest replicas that the autoscaler scales to.
	//
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	// The most replicas that the autoscaler scales to.
	//
	// +optional
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`
	// How many replicas the target had at the last decision.
	//
	// +optional
	CurrentReplicas *int32 `json:"currentReplicas,omitempty"`
	// How many replicas evaluate asked for, before limits and stabilization.
	//
	// +optional
	RecommendedReplicas *int32 `json:"recommendedReplicas,omitempty"`
	// How many replicas were decided on.
	//
	// +optional
	DesiredReplicas *int32 `json:"desiredReplicas,omitempty"`
	// When the target was last scaled.
	//
	// +optional
	LastScaleTime *metav1.Time `json:"lastScaleTime,omitempty"`
	// Why the last decision is what it is: each rule that had a say, in order.
	//
	// +optional
	// +listType=atomic
	Reasons []Reason `json:"reasons,omitempty"`

	// Why the last pass failed; it is not there when that has succeeded.
	//
	// +optional
	Failure *Failure `json:"failure,omitempty"`

	// What is the case, by type: `Ready`, `Paused` (of the operator), `ScalingActive`, `AbleToScale`, `ScalingLimited` (of the
	// autoscaler).
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Reason is a rule that had a say in a decision.
type Reason struct {
	// The rule, in the HorizontalPodAutoscaler's word: `TooManyReplicas`.
	//
	// +required
	Reason string `json:"reason"`
	// The rule in a sentence.
	//
	// +required
	Message string `json:"message"`
}

// Failure is why a pass failed.
type Failure struct {
	// The stage in which it did: `read_target`.
	//
	// +required
	Stage string `json:"stage"`
	// Why, in the HorizontalPodAutoscaler's word: `FailedGetScale`.
	//
	// +required
	Reason string `json:"reason"`
	// What was being done.
	//
	// +optional
	Doing string `json:"doing,omitempty"`
	// The cause.
	//
	// +required
	Cause string `json:"cause"`
	// The key of the configuration that is behind it.
	//
	// +optional
	Setting string `json:"setting,omitempty"`
	// The way out.
	//
	// +optional
	Hint string `json:"hint,omitempty"`
	// Whether trying again can help.
	//
	// +required
	Retry bool `json:"retry"`
}

// The types that conditions have.
const (
	Ready          = "Ready"          // the autoscaler runs
	Paused         = "Paused"         // the autoscaler was stopped, and its target is held
	ScalingActive  = "ScalingActive"  // the autoscaler comes to decisions
	AbleToScale    = "AbleToScale"    // it can read its target and scale it
	ScalingLimited = "ScalingLimited" // its last decision is not what evaluate asked for
)

// CustomPodAutoscalerList is a list of objects.
//
// +kubebuilder:object:root=true
type CustomPodAutoscalerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []CustomPodAutoscaler `json:"items"`
}
