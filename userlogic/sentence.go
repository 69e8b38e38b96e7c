package userlogic

import (
	"fmt"
	"strings"
	"time"
)

// Sentence is the decision as one says it to a colleague. How long ago it was is counted to now.
func (d Decision) Sentence(now time.Time) string {
	parts := []string{fmt.Sprintf("%s, %s ago: %s", d.Time.UTC().Format("2006-01-02 15:04:05 UTC"), ago(now.Sub(d.Time)), d.outcome())}
	if d.UserReason != "" {
		parts = append(parts, fmt.Sprintf("User logic says: %q.", d.UserReason))
	}
	if d.KubernetesMetricsError != "" {
		parts = append(parts, "Some Kubernetes metrics were missing: "+fullStop(d.KubernetesMetricsError))
	}
	if slowest := d.slowest(); slowest.Stage != "" {
		parts = append(parts, fmt.Sprintf("It took %s, most of it in the stage %s.", seconds(d.Seconds), slowest.Stage))
	}
	return strings.Join(parts, " ")
}

func (d Decision) outcome() string {
	switch {
	case d.Error != nil:
		return fmt.Sprintf("%s failed in the stage %s, and %s was not scaled (%s): %s", d.pass(), d.Error.Stage, d.Target, d.Error.Reason, fullStop(d.Error.Message))
	case d.Result == Disabled:
		return fmt.Sprintf("%s left %s alone: %s", d.who(), d.Target, d.why())
	case d.CurrentReplicas == nil || d.DesiredReplicas == nil:
		return fmt.Sprintf("%s ended as %s.", d.who(), d.Result)
	case d.Result == Proposed && *d.CurrentReplicas == *d.DesiredReplicas:
		return fmt.Sprintf("%s would have kept %s at %s: %s", d.who(), d.Target, count(*d.CurrentReplicas), d.why())
	case d.Result == Proposed:
		return fmt.Sprintf("%s would have scaled %s from %d to %s: %s", d.who(), d.Target, *d.CurrentReplicas, count(*d.DesiredReplicas), d.why())
	case d.Result == Kept:
		return fmt.Sprintf("%s kept %s at %s: %s", d.who(), d.Target, count(*d.CurrentReplicas), d.why())
	}
	return fmt.Sprintf("%s scaled %s from %d to %s: %s", d.who(), d.Target, *d.CurrentReplicas, count(*d.DesiredReplicas), d.why())
}

// count repeats CountReplicas of api/v1, since this package imports no other of the module.
func count(replicas int32) string {
	if replicas == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", replicas)
}

func (d Decision) pass() string {
	if d.RunType == Scaler {
		return "a pass"
	}
	return d.who()
}

func (d Decision) who() string {
	switch d.RunType {
	case API:
		return "a call of the API"
	case APIDryRun:
		return "a dry run"
	}
	return "the autoscaler"
}

// why is the chain of reasons: 9 recommended, maxReplicas is 5 (TooManyReplicas).
func (d Decision) why() string {
	words := make([]string, len(d.Reasons))
	for i, reason := range d.Reasons {
		words[i] = fmt.Sprintf("%s (%s)", reason.Message, reason.Reason)
	}
	return fullStop(strings.Join(words, "; "))
}

func (d Decision) slowest() (slowest StageDuration) {
	for _, stage := range d.Stages {
		if stage.Seconds >= slowest.Seconds {
			slowest = stage
		}
	}
	return slowest
}

// fullStop ends a sentence that may have ended already.
func fullStop(text string) string {
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

func ago(span time.Duration) string {
	switch {
	case span < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(span.Seconds())))
	case span < time.Hour:
		return fmt.Sprintf("%d min", int(span.Minutes()))
	}
	return fmt.Sprintf("%d h %d min", int(span.Hours()), int(span.Minutes())%60)
}

func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.0f ms", 1000*s)
	}
	return fmt.Sprintf("%.1f s", s)
}
