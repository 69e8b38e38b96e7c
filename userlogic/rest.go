package userlogic

import "time"

// RESTEvaluation is what POST /api/v1/evaluation answers: how many replicas are applied, or would be in a dry run, and
// what the evaluate method recommended before limits and stabilization.
type RESTEvaluation struct {
	TargetReplicas int32 `json:"targetReplicas"`
	Recommendation int32 `json:"recommendation"`
}

// RESTError is what every call of the REST API answers that cannot be answered otherwise.
type RESTError struct {
	Message string `json:"message"`
	Code    int    `json:"code"`
}

// Result is what came of a pass.
type Result string

// The results that a pass can have.
const (
	Scaled   Result = "scaled"   // the target has another number of replicas now
	Kept     Result = "kept"     // the number was right as it was
	Proposed Result = "proposed" // a dry run: nothing was done
	Disabled Result = "disabled" // the target is at zero, which switches its autoscaler off
	Failed   Result = "failed"   // nothing was scaled
)

// Decision is one pass as GET /api/v1/decisions lists it: what was known, what was decided and why. A number that the
// pass did not come to is left out.
type Decision struct {
	Time    time.Time `json:"time"` // when the pass began
	RunType RunType   `json:"runType"`
	Target  string    `json:"target"` // Deployment shop/web
	Result  Result    `json:"result"`

	CurrentReplicas     *int32 `json:"currentReplicas,omitempty"`
	RecommendedReplicas *int32 `json:"recommendedReplicas,omitempty"` // by evaluate
	DesiredReplicas     *int32 `json:"desiredReplicas,omitempty"`     // after limits and stabilization

	Reasons    []DecisionReason `json:"reasons,omitempty"`    // each rule that had a say, in order
	UserReason string           `json:"userReason,omitempty"` // evaluate's own

	Metrics        []ResourceMetric `json:"metrics,omitempty"`        // values cut short
	MetricsLeftOut int              `json:"metricsLeftOut,omitempty"` // so many more

	Stages  []StageDuration `json:"stages"`
	Seconds float64         `json:"seconds"` // all stages together

	Error                  *DecisionError `json:"error,omitempty"`
	KubernetesMetricsError string         `json:"kubernetesMetricsError,omitempty"` // the pass went on without some
}

// DecisionReason is a rule in the HorizontalPodAutoscaler's word, in a sentence, with the setting behind it and the time
// until which it holds where it has them.
type DecisionReason struct {
	Reason  string     `json:"reason"`
	Message string     `json:"message"`
	Setting string     `json:"setting,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
}

// StageDuration is how long a stage took.
type StageDuration struct {
	Stage   string  `json:"stage"`
	Seconds float64 `json:"seconds"`
}

// DecisionError is why a pass failed: in which stage, and why in one of the HorizontalPodAutoscaler's words.
type DecisionError struct {
	Stage   string `json:"stage"`
	Reason  string `json:"reason"`
	Message string `json:"message"`

	Doing   string `json:"doing,omitempty"`   // what was being done
	Cause   string `json:"cause"`             // why it failed; the message without what else is here
	Setting string `json:"setting,omitempty"` // the key of the configuration that is behind it
	Hint    string `json:"hint,omitempty"`    // the way out
	Retry   bool   `json:"retry"`             // whether trying again can help
}
