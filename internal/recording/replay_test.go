package recording

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

func contextThatIsOver(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}

// decided is a pass at a time, in which so many were recommended and decided for what metric said.
func decided(after time.Duration, recommended, desired int32, metric string) pass.Pass {
	return pass.Pass{
		RunType: userlogic.Scaler, Began: start.Add(after), Decision: &decision.Decision{Current: 1, Recommended: recommended, Replicas: desired},
		Metrics: []userlogic.ResourceMetric{{Resource: "web", Value: metric}},
	}
}

func failing(after time.Duration, stage string) pass.Pass {
	return pass.Pass{RunType: userlogic.Scaler, Began: start.Add(after), Failure: &pass.Failure{Stage: stage, Reason: "Failed", Err: errors.New("broken")}}
}

func entryFor(p pass.Pass) Entry {
	return Entry{Version: version, Decision: p.Document(""), Target: &Target{}, Metrics: p.Metrics}
}

func TestWhatIsDecidedOtherwiseIsSaidWithTheStepThatMadeIt(t *testing.T) {
	for _, row := range []struct {
		name     string
		was, now pass.Pass
		why      string // "" where they are the same
	}{
		{"the same", decided(0, 3, 3, "a"), decided(0, 3, 3, "a"), ""},
		{"metric says something else, which changes nothing", decided(0, 3, 3, "a"), decided(0, 3, 3, "b"), ""},
		{"metric says something else", decided(0, 3, 3, "a"), decided(0, 4, 4, "b"), "metric says something else"},
		{"evaluate does", decided(0, 3, 3, "a"), decided(0, 4, 4, "a"), "evaluate recommends something else"},
		{"another limit", decided(0, 9, 5, "a"), decided(0, 9, 7, "a"), "limited or held otherwise"},
		{"both fail", failing(0, "metric"), failing(0, "evaluate"), ""},
		{"it fails now", decided(0, 3, 3, "a"), failing(0, "evaluate"), "it fails now, in the stage evaluate (Failed): broken"},
		{"it does not any more", failing(0, "metric"), decided(0, 3, 3, "a"), "it failed, in the stage metric (Failed): broken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			replay := Replay{Tape: &Tape{}, Pass: func(context.Context, userlogic.RunType) pass.Pass { return row.now }}
			if err := replay.Entry(t.Context(), entryFor(row.was)); err != nil {
				t.Fatal(err)
			}
			if row.why == "" && len(replay.Differences) > 0 || row.why != "" && (len(replay.Differences) != 1 || !strings.Contains(replay.Differences[0].Why, row.why)) {
				t.Errorf("got %+v", replay.Differences)
			}
		})
	}
}

// Before the recording began somebody may have recommended more, which held for the window.
func TestTheBeginningOfARecordingMayBeHeldByWhatWasBefore(t *testing.T) {
	var now pass.Pass
	replay := Replay{Tape: &Tape{}, Window: time.Minute, Pass: func(context.Context, userlogic.RunType) pass.Pass { return now }}
	for _, row := range []struct {
		after       time.Duration
		was, now    int32
		opening     int
		differences int
	}{
		{0, 5, 2, 1, 0},
		{30 * time.Second, 5, 2, 2, 0},
		{45 * time.Second, 2, 5, 2, 1}, // more than it was: nothing of before can explain it
		{time.Minute, 5, 2, 2, 2},      // it is over
	} {
		now = decided(row.after, 2, row.now, "a")
		if err := replay.Entry(t.Context(), entryFor(decided(row.after, 2, row.was, "a"))); err != nil {
			t.Fatal(err)
		}
		if replay.Opening != row.opening || len(replay.Differences) != row.differences {
			t.Errorf("after %s: got %d and %d, want %d and %d", row.after, replay.Opening, len(replay.Differences), row.opening, row.differences)
		}
	}
}

// TestARecordingSaysWhatWasBeforeIt: nothing has to be guessed then, and nothing is excused.
func TestARecordingSaysWhatWasBeforeIt(t *testing.T) {
	rules := decision.Rules{Min: 1, Max: 10, StabilizationWindow: time.Minute}
	_, before := decision.Decide(start.Add(-time.Second), rules, decision.Input{Current: 5, Recommended: 5}, decision.State{})
	var state decision.State
	began := 0
	replay := Replay{Tape: &Tape{}, Window: time.Minute, Begin: func(s decision.State) { state = s; began++ }, Pass: func(context.Context, userlogic.RunType) pass.Pass {
		decided, _ := decision.Decide(start, rules, decision.Input{Current: 5, Recommended: 2}, state)
		return pass.Pass{RunType: userlogic.Scaler, Began: start, Decision: &decided}
	}}
	for _, desired := range []int32{5, 7} {
		entry := entryFor(decided(0, 2, desired, "a"))
		entry.State = &before
		if err := replay.Entry(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	if began != 1 || replay.Opening != 0 || len(replay.Differences) != 1 || *replay.Differences[0].Now.DesiredReplicas != 5 {
		t.Errorf("it began %d times, and got %d and %+v", began, replay.Opening, replay.Differences)
	}
}

func cpu(of autoscalingv2.MetricTargetType, percent int32) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{Name: "cpu", Target: autoscalingv2.MetricTarget{Type: of, AverageUtilization: &percent}}}
}

func TestAMetricIsFoundWhateverItAimsAt(t *testing.T) {
	memory := autoscalingv2.MetricSpec{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{Name: "memory", Target: autoscalingv2.MetricTarget{Type: "AverageValue", AverageValue: resource.NewQuantity(5, "")}}}
	entry := Entry{KubernetesMetrics: []userlogic.KubernetesMetric{{CurrentReplicas: 4, Spec: cpu("Utilization", 50), Resource: &userlogic.ResourceMetrics{}}}}
	specs := []autoscalingv2.MetricSpec{cpu("Utilization", 80), cpu("AverageValue", 50), memory}
	tape := Tape{Sources: kubernetes.Sources(specs, nil, kubernetes.StartUpRules{}), at: entry}
	gathered, err := tape.Gather(t.Context(), nil)
	if len(gathered) != 1 || *gathered[0].Target.AverageUtilization != 80 || gathered[0].Kubernetes.CurrentReplicas != 4 {
		t.Errorf("got %+v", gathered)
	}
	want := "gathering Kubernetes metrics: 2 of 3 failed: kubernetesMetricSpecs[1] (Resource cpu): it was not recorded; kubernetesMetricSpecs[2] (Resource memory): it was not recorded"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestPodsThatWereNotRecordedAreMissed(t *testing.T) {
	snapshot := workload.Snapshot{}
	if pods, err := (&Tape{}).Pods(t.Context(), snapshot); err != nil || len(pods) != 0 {
		t.Errorf("got %v, %v where only metrics need them", pods, err)
	}
	if _, err := (&Tape{PerPod: true}).Pods(t.Context(), snapshot); err == nil || !strings.Contains(err.Error(), "record with runMode: per-pod") {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"version":1,"decision":{"time":"2026-05-01T12:00:00Z","desiredReplicas":3},"target":{"object":null},"pods":[{}],"kubernetesMetrics":[{}],"metrics":[{}]}`)
	f.Add(`{"version":1,"pods":["x"],"target":{"object":{"env":[1,{"value":[]}]}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		replay := Replay{Tape: &Tape{PerPod: true, Sources: kubernetes.Sources([]autoscalingv2.MetricSpec{cpu("Utilization", 50)}, nil, kubernetes.StartUpRules{})}}
		replay.Pass = func(ctx context.Context, _ userlogic.RunType) pass.Pass {
			snapshot, _ := replay.Tape.Read(ctx)
			_, _ = replay.Tape.Pods(ctx, snapshot)
			gathered, _ := replay.Tape.Gather(ctx, snapshot.Scene(replay.Tape.Now()))
			return pass.Pass{Gathered: gathered, Snapshot: snapshot, Decision: &decision.Decision{}}
		}
		_, _ = Read(strings.NewReader(text), func(entry Entry) error { return replay.Entry(t.Context(), entry) })
	})
}
