package report

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
)

// Events tells of a change of replicas, of the first of failures that are alike and of the end of them, in the words of
// the HorizontalPodAutoscaler.
type Events struct {
	Write  func(about corev1.ObjectReference, kind, reason, message string)
	Target corev1.ObjectReference  // as it is configured
	Owner  *corev1.ObjectReference // the CustomPodAutoscaler, where there is one

	uid     types.UID // of the target, once it has been read
	failure string    // the reason of the last pass, if it failed
}

// Pass is a Watcher.
func (e *Events) Pass(_ context.Context, p pass.Pass) {
	if p.Target.UID != "" {
		e.uid = p.Target.UID
	}
	switch failure := p.Failure; {
	case p.DryRun(), failure != nil && p.Waits:
	case failure != nil && failure.Reason != e.failure:
		e.failure = failure.Reason
		e.write(corev1.EventTypeWarning, failure.Reason, failure.Err.Error())
	case failure == nil:
		e.succeeded(p)
	}
}

func (e *Events) succeeded(p pass.Pass) {
	if e.failure != "" {
		e.write(corev1.EventTypeNormal, recoveries(e.failure), "the autoscaler goes on, after "+e.failure)
		e.failure = ""
	}
	if d := p.Decision; d.Changes() {
		e.write(corev1.EventTypeNormal, "SuccessfulRescale",
			fmt.Sprintf("New size: %d; reason: %s (%s)", d.Replicas, d.Reasons(), d.Explanation()))
	}
}

// recoveries are the words for what works again.
func recoveries(failure string) string {
	switch failure {
	case "FailedGetScale":
		return "SucceededGetScale"
	case "FailedRescale":
		return "SucceededRescale"
	case pass.LeaseNotHeld:
		return "LeaseHeld"
	}
	return "ValidMetricFound"
}

func (e *Events) write(kind, reason, message string) {
	target := e.Target
	target.UID = e.uid
	e.Write(target, kind, reason, message)
	if e.Owner != nil {
		e.Write(*e.Owner, kind, reason, message)
	}
}
