// Package hpa says what the HorizontalPodAutoscaler of Kubernetes 1.37 would propose for gathered metrics.
//
// The metrics, each with its spec, and the replicas of the target come in; the number of replicas and the metric that
// asked for it go out. It gathers nothing, and knows no limits or history: what is applied is decided elsewhere.
package hpa

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// Input is what a proposal is made from.
type Input struct {
	SpecReplicas, StatusReplicas int32             // what the target's scale asks for, and has
	Metrics                      []metrics.Reading // those that could be gathered
	Failed                       int               // how many could not be
	Tolerance                    float64           // how far from the target is near enough; the HPA's default is 0.1
}

// Proposal is how many replicas there should be, and which metric asked for them.
type Proposal struct {
	Replicas int32
	Reason   string
}

// Propose is the largest proposal over the metrics:
//
//	all can be used    -> the largest
//	some cannot        -> the largest, but never below what there shall be now: one that is not seen may need them
//	none can           -> an error
func Propose(in Input) (Proposal, error) {
	in.SpecReplicas, in.StatusReplicas, in.Failed = max(0, in.SpecReplicas), max(0, in.StatusReplicas), max(0, in.Failed)
	largest, unusable := Proposal{Replicas: -1}, []error(nil)
	for _, metric := range in.Metrics {
		proposal, err := in.propose(metric)
		if err != nil {
			unusable = append(unusable, err)
		} else if proposal.Replicas > largest.Replicas {
			largest = proposal
		}
	}
	failed, all := in.Failed+len(unusable), in.Failed+len(in.Metrics)
	if failed == all {
		return Proposal{}, noneUsable(all, unusable)
	}
	if failed > 0 && largest.Replicas < in.SpecReplicas {
		reason := fmt.Sprintf("%d of %d metrics cannot be used, so that it stays at %s: %s", failed, all, text.Count(int(in.SpecReplicas), "replica", "replicas"), largest.Reason)
		return Proposal{in.SpecReplicas, reason}, nil
	}
	return largest, nil
}

func noneUsable(all int, unusable []error) error {
	switch {
	case all == 0:
		return errors.New("proposing replicas: there are no metrics (kubernetesMetricSpecs)")
	case len(unusable) == 0:
		return fmt.Errorf("proposing replicas: %s could be gathered", noneOf(all))
	}
	return &UnusableError{all, unusable}
}

// UnusableError is why none of the metrics can be used.
type UnusableError struct {
	Of   int
	Errs []error // of those that could be gathered
}

func (e *UnusableError) Error() string {
	reasons := make([]string, len(e.Errs))
	for i, err := range e.Errs {
		reasons[i] = err.Error()
	}
	return fmt.Sprintf("proposing replicas: %s can be used: %s", noneOf(e.Of), strings.Join(reasons, "; "))
}

func noneOf(metrics int) string {
	if metrics == 1 {
		return "not even the only metric"
	}
	return fmt.Sprintf("none of the %d metrics", metrics)
}

func (e *UnusableError) Unwrap() []error { return e.Errs }

// NotYet reports whether there are only no pods yet that could be measured, as is usual at a start.
func (e *UnusableError) NotYet() bool {
	return !slices.ContainsFunc(e.Errs, func(err error) bool { return !errors.Is(err, errNotReady) && !errors.Is(err, errNoPods) })
}

// Why a metric cannot be used until pods are ready, or there at all.
var (
	errNotReady = errors.New("did not receive metrics for targeted pods (pods might be unready)")
	errNoPods   = errors.New("the target has no pods to share it yet")
)

// propose is one metric's proposal.
func (in Input) propose(reading metrics.Reading) (_ Proposal, err error) {
	var asked verdict
	switch {
	case reading.Pods != nil:
		asked, err = in.perPod(reading)
	case reading.Value != nil:
		asked, err = in.single(reading)
	default:
		err = errors.New("has no values")
	}
	if err != nil {
		return Proposal{}, fmt.Errorf("%s: %w", reading.Name, err)
	}
	return Proposal{asked.replicas, fmt.Sprintf("%s %s: %s", reading.Name, asked.why, text.Count(int(asked.replicas), "replica", "replicas"))}, nil
}

// verdict is what one metric asks for, and the reason without the metric's name.
type verdict struct {
	replicas int32
	why      string
}

// within tells whether a ratio of usage to target is so near to 1 that nothing changes.
func (in Input) within(ratio float64) bool {
	return 1-in.Tolerance <= ratio && ratio <= 1+in.Tolerance
}

func (in Input) withinNote() string {
	return fmt.Sprintf(", within the tolerance of %.4g%%", in.Tolerance*100)
}

// roundUp makes whole replicas of a number, held between none and the largest number there is.
func roundUp(replicas float64) int32 {
	return int32(math.Max(0, math.Min(math.Ceil(replicas), math.MaxInt32)))
}
