package report

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
)

// conditionsAfter are what a pass says about the autoscaler, in the words of the HorizontalPodAutoscaler:
//
//	the pass             AbleToScale                ScalingActive            ScalingLimited
//	cannot read target   False FailedGetScale
//	fails before scale   True  SucceededGetScale    False the failure's
//	fails to scale       False FailedUpdateScale    True  ValidMetricFound   by the decision
//	is switched off      True  SucceededGetScale    False ScalingDisabled    False DesiredWithinRange
//	scales               True  SucceededRescale     True  ValidMetricFound   by the decision
//	keeps                True  ReadyForNewScale     True  ValidMetricFound   by the decision
//
// What it says nothing about stays as it was.
func conditionsAfter(p pass.Pass) []metav1.Condition {
	failure, d := p.Failure, p.Decision
	switch {
	case failure != nil && p.Target.Name == "":
		return []metav1.Condition{condition(cpav1.AbleToScale, false, failure.Reason, failure.Err.Error())}
	case failure != nil && d == nil:
		return []metav1.Condition{readable, condition(cpav1.ScalingActive, false, failure.Reason, failure.Err.Error())}
	case failure != nil:
		return []metav1.Condition{condition(cpav1.AbleToScale, false, "FailedUpdateScale", failure.Err.Error()), active(p), limited(*d)}
	case d.Disabled():
		return []metav1.Condition{readable, condition(cpav1.ScalingActive, false, string(decision.ScalingDisabled), d.Explanation()), limited(*d)}
	}
	return []metav1.Condition{able(*d), active(p), limited(*d)}
}

func condition(of string, is bool, reason, message string) metav1.Condition {
	status := metav1.ConditionFalse
	if is {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{Type: of, Status: status, Reason: reason, Message: message}
}

var readable = condition(cpav1.AbleToScale, true, "SucceededGetScale", "the target's scale was read")

func able(d decision.Decision) metav1.Condition {
	switch step, held := d.Step(decision.ScaleDownStabilized); {
	case d.Changes():
		return condition(cpav1.AbleToScale, true, "SucceededRescale", fmt.Sprintf("the target was scaled from %d to %d", d.Current, d.Replicas))
	case held:
		return condition(cpav1.AbleToScale, true, string(step.Reason), step.Message)
	}
	return condition(cpav1.AbleToScale, true, "ReadyForNewScale", "the target has as many replicas as it should")
}

func active(p pass.Pass) metav1.Condition {
	message := "metric and evaluate gave a number of replicas"
	if p.MetricsProblem != nil {
		message += ", without some Kubernetes metrics: " + p.MetricsProblem.Error()
	}
	return condition(cpav1.ScalingActive, true, "ValidMetricFound", message)
}

// limited is about minReplicas and maxReplicas alone, as the HorizontalPodAutoscaler's is.
func limited(d decision.Decision) metav1.Condition {
	for _, reason := range []decision.Reason{decision.TooFewReplicas, decision.TooManyReplicas} {
		if step, is := d.Step(reason); is {
			return condition(cpav1.ScalingLimited, true, string(reason), step.Message)
		}
	}
	return condition(cpav1.ScalingLimited, false, string(decision.DesiredWithinRange), "the number of replicas is within minReplicas and maxReplicas")
}
