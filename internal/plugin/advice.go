package plugin

import (
	"strings"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// advices are what to do about a condition, by its reason. A test holds that every reason of docs/custompodautoscaler.md that is
// trouble has one.
var advices = map[string]string{
	"NotSeen":                    "see whether the operator runs, and whether it looks after the namespace {namespace}",
	"MinimumReplicasUnavailable": "if it lasts, look at its pod's log: kubectl logs -n {namespace} -l " + cpav1.OwnedBy + "={name}",
	"FailedCreate":               "ask for less in spec.template, or let the quota or the admission rule of the message allow it",
	"Replacing":                  "wait; if it lasts, see what keeps the old pod: kubectl get pods -n {namespace}",
	"UnknownTarget":              "correct spec.scaleTargetRef, or install the CustomResourceDefinition of its kind",
	"InvalidTarget":              "name something of the namespace {namespace} in spec.scaleTargetRef",
	"TargetNotFound":             "create the target, or correct spec.scaleTargetRef",
	"InvalidTemplate":            "correct spec.template",
	"Refused":                    "correct in the object what the message names",
	"Conflict":                   "let one of the two scale the target, and delete the other; it goes on by itself then",
	"NameConflict":               "rename one of the two, or set the field that the message names",
	"NotAllowed":                 "run the command of the message, if the object may use what it names, or correct the object",
	"Forbidden":                  "give the operator the rules that the message has",
	"Failed":                     "wait, it is tried again; if it lasts, look at the operator's log",
	"InvalidReplicas":            "kubectl cpa pause -n {namespace} {name} --replicas 3 writes it anew, kubectl cpa resume -n {namespace} {name} takes it away",
	"InvalidTime":                "kubectl cpa pause -n {namespace} {name} --replicas 3 --for 2h writes it anew, kubectl cpa resume -n {namespace} {name} takes it away",

	"FailedGetScale":               "see whether the target is there, and whether the autoscaler may read it",
	"FailedUpdateScale":            "see whether the autoscaler may scale its target, and what else refuses it",
	"ScalingDisabled":              "scale the target to one replica or more to switch it on again, or set minReplicas to 0",
	"FailedComputeMetricsReplicas": "correct the program that the message names; kubectl cpa dry-run -n {namespace} {name} tries it",
	"FailedGet...Metric":           "see whether what serves the metric is there: kubectl get apiservices",
}

func advice(object cpav1.CustomPodAutoscaler, reason string) string {
	if strings.HasPrefix(reason, "FailedGet") && strings.HasSuffix(reason, "Metric") {
		reason = "FailedGet...Metric"
	}
	words, known := advices[reason]
	if !known { // of a version that is newer than this one
		words = "do what the message says; the autoscaler's log may have more: kubectl logs -n {namespace} -l " + cpav1.OwnedBy + "={name}"
	}
	return strings.NewReplacer("{namespace}", object.Namespace, "{name}", object.Name).Replace(words)
}
