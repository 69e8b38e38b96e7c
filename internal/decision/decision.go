// Package decision turns a recommended number of replicas into the one that is applied.
//
// What is known and the state that earlier decisions have left come in; the decision, its reasons and the new state go
// out. Nothing is remembered here: a caller that drops the new state has only asked.
package decision

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Reason is why a decision is what it is, in the words of the HorizontalPodAutoscaler.
type Reason string

// The reasons, in the order in which they can come about.
const (
	ScalingDisabled     Reason = "ScalingDisabled"
	DesiredWithinRange  Reason = "DesiredWithinRange"
	TooFewReplicas      Reason = "TooFewReplicas"
	TooManyReplicas     Reason = "TooManyReplicas"
	ScaleDownStabilized Reason = "ScaleDownStabilized"
)

// Rules are what holds for every decision of an autoscaler.
type Rules struct {
	Min, Max            int32
	StabilizationWindow time.Duration // how long a recommendation keeps the target from going below it
}

// Input is what one decision is about.
type Input struct {
	Current     int32 // what the target has
	Recommended int32 // what evaluate asks for
}

// Decision is how many replicas there shall be, and why.
type Decision struct {
	Current     int32 // what the target has
	Recommended int32 // what evaluate asked for
	Replicas    int32 // what is applied
	Chain       []Step
}

// Step is one rule that had a say.
type Step struct {
	Reason  Reason
	Message string
	Setting string    // that fired, where one did
	Until   time.Time // when the reason is gone, where that is known
}

// Changes tells whether there is anything to do.
func (d Decision) Changes() bool { return d.Replicas != d.Current }

// Reasons are the chain's words alone, first to last.
func (d Decision) Reasons() string {
	return d.join(func(s Step) string { return string(s.Reason) }, ",")
}

// Explanation is the chain in sentences.
func (d Decision) Explanation() string {
	return d.join(func(s Step) string { return s.Message }, "; ")
}

func (d Decision) join(word func(Step) string, separator string) string {
	words := make([]string, len(d.Chain))
	for i, step := range d.Chain {
		words[i] = word(step)
	}
	return strings.Join(words, separator)
}

// Disabled is the decision for a target that somebody set to zero though its autoscaler may not: a way of switching
// the autoscaler off, as it is with the HorizontalPodAutoscaler.
func Disabled() Decision {
	return Decision{Chain: []Step{{ScalingDisabled, "the target has 0 replicas and minReplicas is not 0", "minReplicas", time.Time{}}}}
}

// Limiting are the reasons for which a decision is not what evaluate asked for.
func Limiting() []Reason {
	return []Reason{ScalingDisabled, TooFewReplicas, TooManyReplicas, ScaleDownStabilized}
}

// Has tells whether the rule of the reason had a say.
func (d Decision) Has(reason Reason) bool {
	_, has := d.Step(reason)
	return has
}

// Step is the rule of the reason, if it had a say.
func (d Decision) Step(reason Reason) (Step, bool) {
	if i := slices.IndexFunc(d.Chain, func(s Step) bool { return s.Reason == reason }); i >= 0 {
		return d.Chain[i], true
	}
	return Step{}, false
}

// Disabled tells whether the autoscaler was switched off.
func (d Decision) Disabled() bool { return d.Has(ScalingDisabled) }

// Decide limits the recommendation, then holds it for the stabilization window:
//
//	recommended -> within [Min, Max] -> the highest of the window -> replicas
//
// The returned state replaces the one that was given.
func Decide(now time.Time, rules Rules, input Input, state State) (Decision, State) {
	decision := Decision{Current: input.Current, Recommended: input.Recommended}
	limited, step := rules.limit(input.Recommended)
	decision.Chain = append(decision.Chain, step)

	earlier := state.recommendations
	if earlier == nil { // what runs now was somebody's recommendation too: a restart does not scale down at once
		earlier = earlier.record(now, rules.clamp(input.Current))
	}
	state.recommendations = earlier.within(rules.StabilizationWindow, now).record(now, limited)
	highest := state.recommendations.highest()
	decision.Replicas = rules.clamp(highest.Replicas) // the state may be of other limits
	if decision.Replicas > limited {
		until := highest.At.Add(rules.StabilizationWindow)
		decision.Chain = append(decision.Chain, Step{ScaleDownStabilized,
			fmt.Sprintf("%d was recommended at %s, which holds until %s", highest.Replicas, clock(highest.At), clock(until)),
			"downscaleStabilization", until})
	}
	return decision, state
}

func (r Rules) clamp(replicas int32) int32 { return max(r.Min, min(r.Max, replicas)) }

func (r Rules) limit(recommended int32) (int32, Step) {
	switch {
	case recommended < r.Min:
		return r.Min, Step{TooFewReplicas, fmt.Sprintf("%d recommended, minReplicas is %d", recommended, r.Min), "minReplicas", time.Time{}}
	case recommended > r.Max:
		return r.Max, Step{TooManyReplicas, fmt.Sprintf("%d recommended, maxReplicas is %d", recommended, r.Max), "maxReplicas", time.Time{}}
	default:
		return recommended, Step{Reason: DesiredWithinRange, Message: fmt.Sprintf("%d recommended, within %d and %d", recommended, r.Min, r.Max)}
	}
}

func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) }
