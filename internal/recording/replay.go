package recording

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Replay decides recorded passes anew, one after another, and keeps where that differs.
type Replay struct {
	Tape   *Tape
	Pass   func(context.Context, userlogic.RunType) pass.Pass // by the configuration that is tried, reading the tape
	Begin  func(decision.State)                               // has that go on from a state
	Window time.Duration                                      // its stabilization window

	Comparison
	began    time.Time
	known    bool // what was recommended before that
	was, now course
}

// Comparison is what came of it.
type Comparison struct {
	Passes  int `json:"passes"`  // that were replayed
	Unknown int `json:"unknown"` // passes that could not read the target: there is nothing to replay
	// Opening are passes that only differ by what may have been recommended before the recording began, where it does not say.
	Opening     int          `json:"opening"`
	Was         Figures      `json:"was"` // of what was decided, and of what is
	Now         Figures      `json:"now"`
	Differences []Difference `json:"differences"`
}

// Difference is a pass that is decided otherwise now.
type Difference struct {
	Was     userlogic.Decision `json:"was"`
	Now     userlogic.Decision `json:"now"`
	Why     string             `json:"why"`
	Metrics []MetricChange     `json:"metrics,omitempty"`
}

// MetricChange is a resource that metric says something else of now; the text is cut short.
type MetricChange struct {
	Resource string `json:"resource"`
	Was      string `json:"was"`
	Now      string `json:"now"`
}

const (
	mostChanges  = 10 // that are kept of one pass
	longestValue = 256
)

// Entry decides the pass of an entry anew.
func (r *Replay) Entry(ctx context.Context, entry Entry) error {
	if entry.Target == nil {
		r.Unknown++
		return nil
	}
	r.Tape.at = entry
	if r.began.IsZero() {
		r.began = entry.Decision.Time
		if r.known = entry.State != nil; r.known {
			r.Begin(*entry.State)
		}
	}
	pass := r.Pass(ctx, entry.Decision.RunType)
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Passes++
	was, now := entry.Decision, pass.Document(entry.Decision.Target)
	r.count(was, now)
	switch {
	case same(was.RecommendedReplicas, now.RecommendedReplicas) && same(was.DesiredReplicas, now.DesiredReplicas) && (was.Error == nil) == (now.Error == nil):
	case r.opening(was, now):
		r.Opening++
	default:
		var changes []MetricChange
		if was.Error == nil && now.Error == nil { // who failed may not have come to any
			changes = changed(entry.Metrics, pass.Metrics)
		}
		now.Metrics, now.MetricsLeftOut = nil, 0 // those that count are the changes
		r.Differences = append(r.Differences, Difference{Was: was, Now: now, Why: why(was, now, len(changes) > 0), Metrics: changes[:min(mostChanges, len(changes))]})
	}
	return nil
}

// count adds the decisions of a pass to the figures. Dry runs changed nothing.
func (r *Replay) count(was, now userlogic.Decision) {
	if was.RunType == userlogic.APIDryRun {
		return
	}
	r.was.decided(was.Time, appliedBy(was))
	r.now.decided(was.Time, appliedBy(now))
	r.Was, r.Now = r.was.Figures, r.now.Figures
}

func appliedBy(d userlogic.Decision) *int32 {
	if d.Error != nil {
		return nil
	}
	return d.DesiredReplicas
}

func same(a, b *int32) bool { return a == b || a != nil && b != nil && *a == *b }

// opening tells a pass in which nothing but a recommendation of before the recording can have made the difference.
func (r *Replay) opening(was, now userlogic.Decision) bool {
	return !r.known && was.Error == nil && now.Error == nil && same(was.RecommendedReplicas, now.RecommendedReplicas) &&
		was.DesiredReplicas != nil && now.DesiredReplicas != nil && *was.DesiredReplicas > *now.DesiredReplicas &&
		was.Time.Sub(r.began) < r.Window
}

// changed are the resources of which metric says something else, or of which it said nothing.
func changed(was, now []userlogic.ResourceMetric) (changes []MetricChange) {
	values := map[string]MetricChange{}
	for _, metric := range was {
		values[metric.Resource] = MetricChange{Resource: metric.Resource, Was: metric.Value}
	}
	for _, metric := range now {
		change := values[metric.Resource]
		change.Resource, change.Now = metric.Resource, metric.Value
		values[metric.Resource] = change
	}
	for _, change := range values {
		if change.Was != change.Now {
			change.Was, change.Now = shownValue(change.Was), shownValue(change.Now)
			changes = append(changes, change)
		}
	}
	slices.SortFunc(changes, func(a, b MetricChange) int { return strings.Compare(a.Resource, b.Resource) })
	return changes
}

// shownValue is the beginning of a reply, without credentials.
func shownValue(reply string) string {
	return text.Clip(secret.Mask(text.Clip(reply, 16*longestValue)), longestValue)
}

// why names the first step at which the two went apart.
func why(was, now userlogic.Decision, otherMetrics bool) string {
	switch {
	case now.Error != nil && was.Error == nil:
		return fmt.Sprintf("it fails now, in the stage %s (%s): %s", now.Error.Stage, now.Error.Reason, now.Error.Message)
	case was.Error != nil && now.Error == nil:
		return fmt.Sprintf("it failed, in the stage %s (%s): %s", was.Error.Stage, was.Error.Reason, was.Error.Message)
	case same(was.RecommendedReplicas, now.RecommendedReplicas):
		return "the same is recommended, and limited or held otherwise"
	case otherMetrics:
		return "metric says something else"
	}
	return "evaluate recommends something else"
}
