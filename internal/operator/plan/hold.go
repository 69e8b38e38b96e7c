package plan

import (
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// Hold is what the annotations ask for.
type Hold struct {
	Paused   bool
	Replicas int32
	until    time.Time        // zero where the pause does not end by itself
	left     time.Duration    // until then
	not      metav1.Condition // why it is not paused. With annotations that nobody can read the autoscaler goes on
}

// HoldOf tells whether the object is paused now:
//
//	paused-replicas   paused-until   paused
//	none              any            no
//	a number          none           yes
//	a number          to come        yes, and it is looked at again just then
//	a number          over           no
//	a number          no time        no, which is told
//	no number         any            no, which is told
func HoldOf(object *cpav1.CustomPodAutoscaler, now time.Time) Hold {
	text, found := object.Annotations[cpav1.PausedReplicas]
	if !found {
		return Hold{not: no("NotPaused", "the object does not ask for it")}
	}
	replicas, err := strconv.ParseInt(text, 10, 32)
	if err != nil || replicas < 0 {
		return Hold{not: no("InvalidReplicas", fmt.Sprintf("the annotation %s is %q: it has to be a number of replicas, from 0; the autoscaler runs", cpav1.PausedReplicas, text))}
	}
	held := Hold{Paused: true, Replicas: int32(replicas)}
	text, found = object.Annotations[cpav1.PausedUntil]
	if !found {
		return held
	}
	held.until, err = time.Parse(time.RFC3339, text)
	if err != nil {
		return Hold{not: no("InvalidTime", fmt.Sprintf("the annotation %s is %q: it has to be a time such as 2026-01-01T12:00:00Z; the autoscaler runs", cpav1.PausedUntil, text))}
	}
	if !now.Before(held.until) {
		return Hold{not: no("NotPaused", "the pause ended at "+held.until.UTC().Format(time.RFC3339))}
	}
	held.left = held.until.Sub(now)
	return held
}

// Within is when to look again: no later than the pause ends.
func (h Hold) Within(after time.Duration) time.Duration {
	if h.left > 0 && (after == 0 || h.left < after) {
		return h.left
	}
	return after
}
