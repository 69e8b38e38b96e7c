package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// scribe is user logic that notes what it is given.
type scribe struct {
	name  string
	reply string
	err   error
	notes *[]string
}

func (s scribe) Run(_ context.Context, document method.Document) (string, error) {
	*s.notes = append(*s.notes, s.name+" "+string(document.Bytes()))
	return s.reply, s.err
}

var snapshot = workload.Snapshot{
	Ref:      autoscalingv2.CrossVersionObjectReference{Name: "web"},
	Document: []byte(`{"kind":"Deployment"}`),
	Pods: workload.PodsOf([]corev1.Pod{
		podNamed("a", corev1.PodRunning), podNamed("b", corev1.PodPending), podNamed("c", corev1.PodFailed),
		podNamed("d", corev1.PodSucceeded), terminating(podNamed("e", corev1.PodRunning)),
	}),
}

func podNamed(name string, phase corev1.PodPhase) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{Phase: phase}}
}

func terminating(pod corev1.Pod) corev1.Pod {
	pod.DeletionTimestamp = &metav1.Time{}
	return pod
}

// stageOf gives a stage of scribes; one of them may fail.
func stageOf(notes *[]string, reply, failing string) Stage {
	runner := func(name, reply string) scribe {
		s := scribe{name: name, reply: reply, notes: notes}
		if name == failing {
			s.err = errors.New("broken")
		}
		return s
	}
	return Stage{Before: runner("before", "x"), Main: runner("main", reply), After: runner("after", "x")}
}

func TestMetricOncePerResource(t *testing.T) {
	var notes []string
	stage := Metric{Stage: stageOf(&notes, "7\n", ""), Mode: config.PerResource}
	metrics, err := stage.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot})
	if err != nil || !slices.Equal(metrics, []userlogic.ResourceMetric{{Resource: "web", Value: "7\n"}}) {
		t.Errorf("got %v, %v", metrics, err)
	}
	want(t, notes,
		`before {"resource":{"kind":"Deployment"},"runType":"scaler"}`,
		`main {"resource":{"kind":"Deployment"},"runType":"scaler"}`,
		`after {"resource":{"kind":"Deployment"},"metrics":[{"resource":"web","value":"7\n"}],"runType":"scaler"}`)
}

func TestMetricOncePerPodThatRuns(t *testing.T) {
	var notes []string
	stage := Metric{Stage: Stage{Main: scribe{name: "main", reply: "7", notes: &notes}}, Mode: config.PerPod}
	metrics, err := stage.Run(t.Context(), pass.Observation{RunType: userlogic.API, Target: snapshot})
	if err != nil || fmt.Sprint(metrics) != "[{a 7} {b 7}]" {
		t.Errorf("got %v, %v", metrics, err)
	}
	for i, note := range notes {
		if !strings.HasPrefix(note, `main {"resource":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"`+metrics[i].Resource) {
			t.Errorf("document %d is %s", i, note)
		}
	}
}

func TestMetricsOfNoPodsAreAnEmptyList(t *testing.T) {
	var notes []string
	stage := Metric{Stage: stageOf(&notes, "7", ""), Mode: config.PerPod}
	if _, err := stage.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: workload.Snapshot{Document: []byte("{}")}}); err != nil {
		t.Fatal(err)
	}
	want(t, notes, `before {"resource":{},"runType":"scaler"}`, `after {"resource":{},"metrics":[],"runType":"scaler"}`)
}

func TestEvaluate(t *testing.T) {
	var notes []string
	stage := Evaluate{Stage: stageOf(&notes, `{"targetReplicas": 3}`, "")}
	evaluation, err := stage.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot, Metrics: []userlogic.ResourceMetric{{Resource: "web", Value: "7"}}})
	if err != nil || evaluation.TargetReplicas != 3 {
		t.Errorf("got %v, %v", evaluation, err)
	}
	const given = `{"metrics":[{"resource":"web","value":"7"}],"resource":{"kind":"Deployment"},"runType":"scaler"}`
	want(t, notes, "before "+given, "main "+given,
		`after {"metrics":[{"resource":"web","value":"7"}],"resource":{"kind":"Deployment"},"evaluation":{"targetReplicas":3},"runType":"scaler"}`)
}

// busy evaluates in the process.
type busy struct{}

func (busy) Evaluate(context.Context, pass.Observation) (userlogic.Evaluation, error) {
	return userlogic.Evaluation{TargetReplicas: 4, Reason: "busy"}, nil
}

func TestWithoutAMethodTheHooksRunAllTheSame(t *testing.T) {
	var notes []string
	stage := stageOf(&notes, "", "")
	stage.Main = nil
	metrics, err := Metric{Stage: stage, Mode: config.PerPod}.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot})
	if err != nil || len(metrics) > 0 {
		t.Errorf("got %v, %v", metrics, err)
	}
	evaluation, err := Evaluate{Stage: stage, Evaluator: busy{}}.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot, Metrics: metrics})
	if err != nil || evaluation.TargetReplicas != 4 {
		t.Errorf("got %v, %v", evaluation, err)
	}
	want(t, notes,
		`before {"resource":{"kind":"Deployment"},"runType":"scaler"}`,
		`after {"resource":{"kind":"Deployment"},"metrics":[],"runType":"scaler"}`,
		`before {"metrics":[],"resource":{"kind":"Deployment"},"runType":"scaler"}`,
		`after {"metrics":[],"resource":{"kind":"Deployment"},"evaluation":{"targetReplicas":4,"reason":"busy"},"runType":"scaler"}`)
}

func TestTheFirstFailureEndsAStage(t *testing.T) {
	for failing, ran := range map[string]int{"before": 1, "main": 2, "after": 3} {
		t.Run(failing, func(t *testing.T) {
			var notes []string
			metric := Metric{Stage: stageOf(&notes, "7", failing), Mode: config.PerResource}
			if _, err := metric.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot}); err == nil || len(notes) != ran {
				t.Errorf("metric: got error %v after %d runs, want one after %d", err, len(notes), ran)
			}
			notes = nil
			evaluate := Evaluate{Stage: stageOf(&notes, `{"targetReplicas": 3}`, failing)}
			if _, err := evaluate.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot}); err == nil || len(notes) != ran {
				t.Errorf("evaluate: got error %v after %d runs, want one after %d", err, len(notes), ran)
			}
		})
	}
}

func TestARubbishReplyEndsEvaluateBeforeItsHook(t *testing.T) {
	var notes []string
	_, err := Evaluate{Stage: stageOf(&notes, "{}", "")}.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot})
	if err == nil || !strings.Contains(err.Error(), "reading what evaluate replied") || len(notes) != 2 {
		t.Errorf("got %v after %d runs", err, len(notes))
	}
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}
