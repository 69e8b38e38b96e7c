package plugin

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// Why is why an autoscaler did what it did last.
type Why struct {
	Namespace string                `json:"namespace"`
	Name      string                `json:"name"`
	Target    cpav1.TargetReference `json:"target"`
	Trouble   []Trouble             `json:"trouble,omitempty"`
	Paused    string                `json:"paused,omitempty"` // how, where it is
	Behind    bool                  `json:"behind,omitempty"` // the operator has not acted on the last change yet

	MinReplicas         *int32         `json:"minReplicas,omitempty"`
	MaxReplicas         *int32         `json:"maxReplicas,omitempty"`
	CurrentReplicas     *int32         `json:"currentReplicas,omitempty"`
	RecommendedReplicas *int32         `json:"recommendedReplicas,omitempty"`
	DesiredReplicas     *int32         `json:"desiredReplicas,omitempty"`
	Reasons             []cpav1.Reason `json:"reasons,omitempty"`
	LastScaleTime       *metav1.Time   `json:"lastScaleTime,omitempty"`

	Events        []Event `json:"events,omitempty"`
	EventsProblem string  `json:"eventsProblem,omitempty"` // why they could not be read
}

// Trouble is a condition that is not as it should be, with what to do about it.
type Trouble struct {
	Type    string                 `json:"type"`
	Status  metav1.ConditionStatus `json:"status"`
	Reason  string                 `json:"reason"`
	Message string                 `json:"message"`
	Since   metav1.Time            `json:"since"`
	Setting string                 `json:"setting,omitempty"` // the key of the configuration that is behind it
	Lasts   bool                   `json:"lasts,omitempty"`   // trying again does not help
	Advice  string                 `json:"advice"`
}

// Event is one about the object or its target.
type Event struct {
	Time    metav1.Time `json:"time"`
	About   string      `json:"about"` // Deployment/web
	Type    string      `json:"type"`
	Reason  string      `json:"reason"`
	Message string      `json:"message"`
	Count   int32       `json:"count"`
}

// Explain tells why from what the cluster knows: the object and its events, or why those could not be read.
func Explain(object cpav1.CustomPodAutoscaler, events []corev1.Event, problem error) Why {
	status := object.Status
	why := Why{
		Namespace: object.Namespace, Name: object.Name, Target: object.Spec.ScaleTargetRef, Trouble: troubles(object),
		Behind:      status.ObservedGeneration < object.Generation,
		MinReplicas: status.MinReplicas, MaxReplicas: status.MaxReplicas,
		CurrentReplicas: status.CurrentReplicas, RecommendedReplicas: status.RecommendedReplicas, DesiredReplicas: status.DesiredReplicas,
		Reasons: status.Reasons, LastScaleTime: status.LastScaleTime,
	}
	if paused := pausedOf(object); paused != nil && (paused.Status == metav1.ConditionTrue || paused.Reason == "Pausing") {
		why.Paused = paused.Message
	}
	for _, one := range events {
		about := one.InvolvedObject.Kind + "/" + one.InvolvedObject.Name
		why.Events = append(why.Events, Event{timeOf(one), about, one.Type, one.Reason, secret.Mask(one.Message), max(1, one.Count)})
	}
	if problem != nil {
		why.EventsProblem = problem.Error()
	}
	return why
}

func pausedOf(object cpav1.CustomPodAutoscaler) *metav1.Condition {
	return meta.FindStatusCondition(object.Status.Conditions, cpav1.Paused)
}

// troubles are the operator's conditions first, and then the autoscaler's: those may be about what was before.
func troubles(object cpav1.CustomPodAutoscaler) (all []Trouble) {
	paused := meta.IsStatusConditionTrue(object.Status.Conditions, cpav1.Paused)
	for _, of := range []string{cpav1.Ready, cpav1.Paused, cpav1.AbleToScale, cpav1.ScalingActive} {
		condition := meta.FindStatusCondition(object.Status.Conditions, of)
		if condition == nil || !isTrouble(*condition) || paused && of != cpav1.Ready { // what is stopped fails no more
			continue
		}
		all = append(all, troubleOf(object, *condition))
	}
	if meta.FindStatusCondition(object.Status.Conditions, cpav1.Ready) == nil {
		all = append(all, Trouble{
			Type: cpav1.Ready, Status: metav1.ConditionUnknown, Reason: "NotSeen", Message: "the operator has not looked at the object yet",
			Since: object.CreationTimestamp, Advice: advice(object, "NotSeen"),
		})
	}
	return all
}

// troubleOf is a condition, with what the autoscaler knows of the failure that it is about.
func troubleOf(object cpav1.CustomPodAutoscaler, condition metav1.Condition) Trouble {
	trouble := Trouble{
		Type: condition.Type, Status: condition.Status, Reason: condition.Reason, Message: secret.Mask(condition.Message),
		Since: condition.LastTransitionTime, Advice: advice(object, condition.Reason),
	}
	failure := object.Status.Failure
	if failure == nil || aboutOf(failure.Stage) != condition.Type || condition.Status != metav1.ConditionFalse {
		return trouble
	}
	trouble.Message, trouble.Setting, trouble.Lasts = secret.Mask(failure.Cause), failure.Setting, !failure.Retry
	if failure.Doing != "" {
		trouble.Message = secret.Mask(failure.Doing) + ": " + trouble.Message
	}
	if failure.Hint != "" {
		trouble.Advice = secret.Mask(failure.Hint)
	}
	return trouble
}

// aboutOf is the type of the condition that tells of a failure in a stage.
func aboutOf(stage string) string {
	if stage == "read_target" || stage == "scale" {
		return cpav1.AbleToScale
	}
	return cpav1.ScalingActive
}

// isTrouble tells a condition that is not as it should be from one that is what somebody wanted.
func isTrouble(condition metav1.Condition) bool {
	switch condition.Reason {
	case "Paused", "Pausing", "NotPaused", "NotProvisioned":
		return false
	}
	return condition.Status != metav1.ConditionTrue
}

// Text is it in sentences.
func (w Why) Text(now time.Time) string {
	var text strings.Builder
	say := func(format string, values ...any) { fmt.Fprintf(&text, format+"\n", values...) }
	say("CustomPodAutoscaler %s/%s scales %s %s%s.", w.Namespace, w.Name, w.Target.Kind, w.Target.Name, w.limits())
	if w.Behind {
		say("The operator has not acted on its last change yet.")
	}
	for _, one := range w.Trouble {
		say("\n%s is %s (%s), since %s: %s", one.Type, one.Status, one.Reason, when(one.Since, now), one.Message)
		if one.Setting != "" {
			say("  Setting: %s", one.Setting)
		}
		if one.Lasts {
			say("  It does not go away by itself.")
		}
		say("  What to do: %s", one.Advice)
	}
	say("\n%s", w.decision())
	for _, one := range w.Reasons {
		say("  %s: %s", one.Reason, one.Message)
	}
	if w.LastScaleTime == nil {
		say("It has not scaled its target so far.")
	} else {
		say("It last scaled its target %s.", when(*w.LastScaleTime, now))
	}
	if w.Paused == "" {
		say("It is not paused.")
	} else {
		say("It is paused: %s. kubectl cpa resume -n %s %s ends it.", w.Paused, w.Namespace, w.Name)
	}
	text.WriteString(w.told(now))
	return text.String()
}

func (w Why) limits() string {
	if w.MinReplicas == nil || w.MaxReplicas == nil {
		return ""
	}
	return fmt.Sprintf(" to between %d and %s", *w.MinReplicas, cpav1.CountReplicas(*w.MaxReplicas))
}

func (w Why) decision() string {
	switch {
	case w.DesiredReplicas == nil || w.CurrentReplicas == nil:
		return "It has come to no decision yet."
	case w.RecommendedReplicas == nil:
		return fmt.Sprintf("It decided on %s last, of %d, and did not ask user logic:", cpav1.CountReplicas(*w.DesiredReplicas), *w.CurrentReplicas)
	}
	return fmt.Sprintf("It decided on %s last, of %d, when user logic asked for %d:", cpav1.CountReplicas(*w.DesiredReplicas), *w.CurrentReplicas, *w.RecommendedReplicas)
}

func (w Why) told(now time.Time) string {
	if w.EventsProblem != "" {
		return fmt.Sprintf("\nIts events are not known: %s\n", w.EventsProblem)
	}
	if len(w.Events) == 0 {
		return "\nThere are no events about it or its target.\n"
	}
	text := "\nThe last events, the newest at the end:\n"
	for _, one := range w.Events {
		times := ""
		if one.Count > 1 {
			times = fmt.Sprintf(" (%d times)", one.Count)
		}
		text += fmt.Sprintf("  %s, %s: %s%s: %s\n", ago(one.Time.Time, now), one.About, one.Reason, times, one.Message)
	}
	return text
}

func when(at metav1.Time, now time.Time) string {
	return fmt.Sprintf("%s (%s)", at.UTC().Format("2006-01-02 15:04:05 UTC"), ago(at.Time, now))
}
