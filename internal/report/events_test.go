package report

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// written collects events as: Deployment/web 123 Normal SuccessfulRescale New size: 3; ...
type written []string

func (w *written) write(about corev1.ObjectReference, kind, reason, message string) {
	*w = append(*w, fmt.Sprintf("%s/%s %s %s %s %s", about.Kind, about.Name, about.UID, kind, reason, message))
}

func TestAnEventIsWrittenWhenSomethingHappens(t *testing.T) {
	var got written
	events := Events{Write: got.write, Target: corev1.ObjectReference{Kind: "Deployment", Name: "web"}}
	read := decidedOn(2, 2, 2)
	read.Target = corev1.ObjectReference{Kind: "Deployment", Name: "web", UID: "123"}
	metric := failedWith(errors.New("no metrics"))
	metric.Failure.Reason = "FailedGetResourceMetric"
	rescale := failedWith(errors.New("forbidden"))
	rescale.Failure.Reason = "FailedRescale"
	rises := decidedOn(2, 9, 5, decision.Step{Reason: decision.TooManyReplicas, Message: "9 recommended, maxReplicas is 5"})
	for _, row := range []struct {
		name string
		pass pass.Pass
		want []string
	}{
		{"it waits for metrics at a start", waiting(metric), nil},
		{"it fails before the target was ever read", failedWith(errors.New("no cluster")), []string{"Deployment/web  Warning FailedGetScale no cluster"}},
		{"it fails the same way, in other words", failedWith(errors.New("no cluster, 3 s")), nil},
		{"it works", read, []string{"Deployment/web 123 Normal SucceededGetScale the autoscaler goes on, after FailedGetScale"}},
		{"it goes on working", read, nil},
		{"it scales", rises, []string{"Deployment/web 123 Normal SuccessfulRescale New size: 5; reason: TooManyReplicas (9 recommended, maxReplicas is 5)"}},
		{"a dry run would scale", as(userlogic.APIDryRun, rises), nil},
		{"a dry run fails", as(userlogic.APIDryRun, metric), nil},
		{"metrics fail", metric, []string{"Deployment/web 123 Warning FailedGetResourceMetric no metrics"}},
		{"then scaling does", rescale, []string{"Deployment/web 123 Warning FailedRescale forbidden"}},
		{"a call of the API scales", as(userlogic.API, rises), []string{
			"Deployment/web 123 Normal SucceededRescale the autoscaler goes on, after FailedRescale",
			"Deployment/web 123 Normal SuccessfulRescale New size: 5; reason: TooManyReplicas (9 recommended, maxReplicas is 5)"}},
		{"metrics fail again", metric, []string{"Deployment/web 123 Warning FailedGetResourceMetric no metrics"}},
		{"and are back", read, []string{"Deployment/web 123 Normal ValidMetricFound the autoscaler goes on, after FailedGetResourceMetric"}},
	} {
		got = nil
		events.Pass(t.Context(), row.pass)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s:\n got %q\nwant %q", row.name, got, row.want)
		}
	}
}

func TestEventsAreAboutTheCustomPodAutoscalerToo(t *testing.T) {
	var got written
	events := Events{Write: got.write, Target: corev1.ObjectReference{Kind: "Deployment", Name: "web"},
		Owner: &corev1.ObjectReference{Kind: "CustomPodAutoscaler", Name: "web", UID: "456"}}
	events.Pass(t.Context(), failedWith(errors.New("away")))
	if len(got) != 2 || got[1] != "CustomPodAutoscaler/web 456 Warning FailedGetScale away" {
		t.Errorf("got %q", got)
	}
}
