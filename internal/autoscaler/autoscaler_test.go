package autoscaler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/lease"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// scripted stands in for every step: it records the calls, and fails at the steps in fails.
type scripted struct {
	replicas int32
	asked    int32            // what evaluate says
	fails    map[string]error // by step
	calls    []string
	slow     func() // within the metric stage
}

func (w *scripted) call(step string) error {
	w.calls = append(w.calls, step)
	return w.fails[step]
}

func (w *scripted) Read(context.Context) (workload.Snapshot, error) {
	return workload.Snapshot{Replicas: w.replicas}, w.call("read")
}

func (w *scripted) Pods(context.Context, workload.Snapshot) ([]workload.Pod, error) {
	return workload.PodsOf(make([]corev1.Pod, w.replicas)), w.call("pods")
}

func (w *scripted) Gather(_ context.Context, scene *metrics.Scene) ([]metrics.Metric, error) {
	return make([]metrics.Metric, len(scene.Pods)), w.call("gather")
}

func (w *scripted) Scale(_ context.Context, _ pass.Observation, d decision.Decision) (bool, error) {
	err := w.call(fmt.Sprintf("scale %d", d.Replicas))
	if err == nil {
		w.replicas = d.Replicas
	}
	return err == nil, err
}

type metricOf struct{ *scripted }

func (w metricOf) Run(_ context.Context, seen pass.Observation) ([]userlogic.ResourceMetric, error) {
	if w.slow != nil {
		w.slow()
	}
	return nil, w.call(fmt.Sprintf("metric with %d", len(seen.Gathered)))
}

type evaluateOf struct{ *scripted }

func (w evaluateOf) Run(context.Context, pass.Observation) (userlogic.Evaluation, error) {
	return userlogic.Evaluation{TargetReplicas: w.asked}, w.call("evaluate")
}

var everySecond = Settings{Rules: decision.Rules{Min: 1, Max: 10}, NeedsPods: true, Interval: time.Second, StartTime: time.Millisecond}

func (w *scripted) autoscaler(settings Settings, watchers ...Watcher) *Autoscaler {
	return New(Parts{
		Target: w, Sources: w, Metric: metricOf{w}, Evaluate: evaluateOf{w}, Scale: w,
		Watchers: watchers, Tracer: noop.NewTracerProvider().Tracer(""), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}, settings)
}

func TestRunOnce(t *testing.T) {
	broken := errors.New("broken")
	required, zeroAllowed, noPods := everySecond, everySecond, everySecond
	required.RequireKubernetesMetrics = true
	zeroAllowed.Rules.Min = 0
	noPods.NeedsPods = false
	for _, row := range []struct {
		name     string
		settings Settings
		scripted scripted
		runType  userlogic.RunType
		want     string
		fails    bool
	}{
		{"every step in order", everySecond, scripted{replicas: 2, asked: 4}, userlogic.Scaler,
			"read, pods, gather, metric with 2, evaluate, scale 4", false},
		{"scaling is called when nothing changes, for its hooks", everySecond, scripted{replicas: 2, asked: 2}, userlogic.Scaler,
			"read, pods, gather, metric with 2, evaluate, scale 2", false},
		{"nobody needs pods", noPods, scripted{replicas: 2, asked: 4}, userlogic.Scaler,
			"read, gather, metric with 0, evaluate, scale 4", false},
		{"switched off at zero", everySecond, scripted{replicas: 0, asked: 4}, userlogic.Scaler, "read", false},
		{"from zero where that is allowed", zeroAllowed, scripted{replicas: 0, asked: 4}, userlogic.Scaler,
			"read, pods, gather, metric with 0, evaluate, scale 4", false},
		{"a dry run does not scale", everySecond, scripted{replicas: 2, asked: 4}, userlogic.APIDryRun,
			"read, pods, gather, metric with 2, evaluate", false},
		{"an API call scales", everySecond, scripted{replicas: 2, asked: 4}, userlogic.API,
			"read, pods, gather, metric with 2, evaluate, scale 4", false},
		{"the target cannot be read", everySecond, scripted{fails: map[string]error{"read": broken}}, userlogic.Scaler, "read", true},
		{"the pods cannot be listed", everySecond, scripted{replicas: 2, fails: map[string]error{"pods": broken}}, userlogic.Scaler, "read, pods", true},
		{"metrics that are required are missing", required, scripted{replicas: 2, fails: map[string]error{"gather": broken}}, userlogic.Scaler,
			"read, pods, gather", true},
		{"metrics that are not required are missing", everySecond, scripted{replicas: 2, asked: 4, fails: map[string]error{"gather": broken}}, userlogic.Scaler,
			"read, pods, gather, metric with 2, evaluate, scale 4", false},
		{"metric fails", everySecond, scripted{replicas: 2, fails: map[string]error{"metric with 2": broken}}, userlogic.Scaler,
			"read, pods, gather, metric with 2", true},
		{"evaluate fails", everySecond, scripted{replicas: 2, fails: map[string]error{"evaluate": broken}}, userlogic.Scaler,
			"read, pods, gather, metric with 2, evaluate", true},
		{"scaling fails", everySecond, scripted{replicas: 2, asked: 4, fails: map[string]error{"scale 4": broken}}, userlogic.Scaler,
			"read, pods, gather, metric with 2, evaluate, scale 4", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := row.scripted
			_, err := w.autoscaler(row.settings).RunOnce(t.Context(), nil, row.runType)
			if got := strings.Join(w.calls, ", "); got != row.want {
				t.Errorf("steps\n got %s\nwant %s", got, row.want)
			}
			if (err != nil) != row.fails || row.fails && !errors.Is(err, broken) {
				t.Errorf("got error %v, want one: %t", err, row.fails)
			}
		})
	}
}

// TestRunOnceWithoutTheLease: it may be lost at any time of a pass, and is asked for at its start, before scaling, and by the
// write itself.
func TestRunOnceWithoutTheLease(t *testing.T) {
	lost := lease.NotHeldError{Err: errors.New("b holds it")}
	for _, row := range []struct {
		name    string
		checks  []error // what the lease says, one time after another
		scale   error
		runType userlogic.RunType
		want    string
		stage   string // that fails, with the reason
	}{
		{"held", []error{nil, nil}, nil, userlogic.Scaler, "read, pods, gather, metric with 2, evaluate, scale 4", ""},
		{"not held", []error{lost}, nil, userlogic.Scaler, "", "read_target LeaseNotHeld"},
		{"not held for a caller", []error{lost}, nil, userlogic.API, "", "read_target LeaseNotHeld"},
		{"a dry run needs none", nil, nil, userlogic.APIDryRun, "read, pods, gather, metric with 2, evaluate", ""},
		{"lost while user logic ran", []error{nil, lost}, nil, userlogic.Scaler, "read, pods, gather, metric with 2, evaluate", "scale LeaseNotHeld"},
		{"lost at the write", []error{nil, nil}, fmt.Errorf("scaling: %w", lost), userlogic.Scaler, "read, pods, gather, metric with 2, evaluate, scale 4", "scale LeaseNotHeld"},
		{"another failure of the write", []error{nil, nil}, errors.New("broken"), userlogic.Scaler, "read, pods, gather, metric with 2, evaluate, scale 4", "scale FailedRescale"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := scripted{replicas: 2, asked: 4, fails: map[string]error{"scale 4": row.scale}}
			a := w.autoscaler(everySecond)
			a.parts.CheckLease = func(context.Context) error {
				if len(row.checks) == 0 {
					t.Fatal("the lease is asked for once more")
				}
				says := row.checks[0]
				row.checks = row.checks[1:]
				return says
			}
			pass, _ := a.RunOnce(t.Context(), nil, row.runType)
			got := ""
			if pass.Failure != nil {
				got = pass.Failure.Stage + " " + pass.Failure.Reason
			}
			if calls := strings.Join(w.calls, ", "); calls != row.want || got != row.stage || len(row.checks) > 0 {
				t.Errorf("got steps %s and %q, %d checks left; want %s and %q", calls, got, len(row.checks), row.want, row.stage)
			}
		})
	}
}

func TestPassesHaveNoCredentialInWhatTheySay(t *testing.T) {
	broken := errors.New("broken")
	for _, step := range []string{"read", "pods", "gather", "metric with 2", "evaluate", "scale 4"} {
		w := &scripted{replicas: 2, asked: 4, fails: map[string]error{step: fmt.Errorf("it sent s3cr3t and token=s3cr3t: %w", broken)}}
		var passes []pass.Pass
		a := w.autoscaler(Settings{NeedsPods: true, RequireKubernetesMetrics: true, Interval: time.Second, StartTime: time.Second, Rules: decision.Rules{Min: 1, Max: 10}}, func(_ context.Context, pass pass.Pass) { passes = append(passes, pass) })
		a.parts.Mask = func(text string) string { return strings.ReplaceAll(text, "s3cr3t", "***") }
		_, err := a.RunOnce(t.Context(), nil, userlogic.Scaler)
		if len(passes) != 1 || passes[0].Failure == nil || !errors.Is(err, broken) {
			t.Fatalf("%s: got %v, %v", step, passes, err)
		}
		if text := fmt.Sprint(err, passes[0].Failure.Err, passes[0].MetricsProblem); strings.Contains(text, "s3cr3t") || !strings.Contains(text, "it sent ***") {
			t.Errorf("%s: got %s", step, text)
		}
	}
}

func TestADryRunLeavesNoTraceInTheHistory(t *testing.T) {
	w := &scripted{replicas: 2, asked: 9}
	settings := everySecond
	settings.Rules.StabilizationWindow = time.Minute
	a := w.autoscaler(settings)
	if _, err := a.RunOnce(t.Context(), nil, userlogic.APIDryRun); err != nil {
		t.Fatal(err)
	}
	w.asked = 2
	if pass, err := a.RunOnce(t.Context(), nil, userlogic.Scaler); err != nil || pass.Decision.Replicas != 2 {
		t.Errorf("got %d replicas, %v; want 2", pass.Decision.Replicas, err)
	}
}

// inBubble runs an autoscaler on synctest's clock, which starts at a whole second, and gives the times of its passes.
func inBubble(t *testing.T, settings Settings, passTakes, stopAfter time.Duration) (passes []time.Duration, stopped time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), stopAfter)
		defer cancel()
		w := &scripted{replicas: 1, asked: 1}
		w.slow = func() {
			passes = append(passes, time.Since(start))
			time.Sleep(passTakes)
		}
		w.autoscaler(settings).Run(ctx)
		stopped = time.Since(start)
	})
	return passes, stopped
}

func TestTheLoopKeepsTime(t *testing.T) {
	settings := func(startTime, interval time.Duration) Settings {
		s := everySecond
		s.StartTime, s.Interval = startTime, interval
		return s
	}
	const second = time.Second
	for _, row := range []struct {
		name             string
		settings         Settings
		takes, stopAfter time.Duration
		passes           []time.Duration
		stopped          time.Duration
	}{
		{"one interval after the next multiple of the start time", settings(10*second, 2*second), 0, 15 * second, []time.Duration{12 * second, 14 * second}, 15 * second},
		{"stopped during the start delay", settings(10*second, 2*second), 0, 5 * second, nil, 5 * second},
		{"stopped while idle", settings(second, 10*second), 0, 5 * second, nil, 5 * second},
		{"ticks that pass by during a long pass are left out", settings(second, second), 2500 * time.Millisecond, 8 * second,
			[]time.Duration{2 * second, 4500 * time.Millisecond, 7 * second}, 9500 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			passes, stopped := inBubble(t, row.settings, row.takes, row.stopAfter)
			if !slices.Equal(passes, row.passes) || stopped != row.stopped {
				t.Errorf("passes at %v, stopped at %v; want %v, %v", passes, stopped, row.passes, row.stopped)
			}
		})
	}
}

// early is what is missing at a start.
type early struct{ error }

func (early) NotYet() bool { return true }

func TestAPassWaitsAtAStart(t *testing.T) {
	missing, broken := early{errors.New("no metrics yet")}, errors.New("forbidden")
	for _, row := range []struct {
		name  string
		fails map[string]error // from the second pass on, if it began well
		after time.Duration
		well  bool // it has worked before
		want  bool
	}{
		{"metrics are missing, and so user logic fails", map[string]error{"gather": missing, "metric with 0": errors.New("KeyError")}, 0, false, true},
		{"metrics are missing, which user logic can do without", map[string]error{"gather": missing}, 0, false, true},
		{"no pod is ready", map[string]error{"evaluate": fmt.Errorf("hpa: %w", missing)}, 59 * time.Second, false, true},
		{"for a minute", map[string]error{"evaluate": missing}, time.Minute, false, false},
		{"after it has worked", map[string]error{"evaluate": missing}, 0, true, false},
		{"user logic fails by itself", map[string]error{"evaluate": broken}, 0, false, false},
		{"metrics are forbidden", map[string]error{"gather": broken, "evaluate": broken}, 0, false, false},
		{"it works", nil, 0, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &scripted{replicas: 2, asked: 2}
				a := w.autoscaler(everySecond)
				if row.well {
					_, _ = a.RunOnce(t.Context(), nil, userlogic.Scaler)
				}
				w.fails = row.fails
				if metric := row.fails["metric with 0"]; metric != nil {
					w.fails["metric with 2"] = metric
				}
				time.Sleep(row.after)
				pass, _ := a.RunOnce(t.Context(), nil, userlogic.Scaler)
				if pass.Waits != row.want {
					t.Errorf("got %v, failure %+v", pass.Waits, pass.Failure)
				}
			})
		})
	}
}

func TestATargetWithoutASelectorIsWarnedOfOnce(t *testing.T) {
	var log bytes.Buffer
	w := &scripted{replicas: 2, asked: 2}
	a := w.autoscaler(everySecond)
	a.parts.Log = slog.New(slog.NewTextHandler(&log, nil))
	for range 3 {
		if _, err := a.RunOnce(t.Context(), nil, userlogic.Scaler); err != nil {
			t.Fatal(err)
		}
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "its scale has no selector") {
		t.Errorf("got %s", text)
	}
}
