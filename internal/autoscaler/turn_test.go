package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// TestPassesTakeTurns starts passes of two seconds each, one second after another, and looks when each began.
func TestPassesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := &scripted{replicas: 1, asked: 1, slow: func() { time.Sleep(2 * time.Second) }}
		var told []string
		a := w.autoscaler(everySecond, func(_ context.Context, p pass.Pass) {
			told = append(told, fmt.Sprintf("%s at %s until %s", p.RunType, p.Began.Sub(start), time.Since(start)))
		})
		var running sync.WaitGroup
		for _, runType := range []userlogic.RunType{userlogic.Scaler, userlogic.API, userlogic.APIDryRun} {
			running.Go(func() { _, _ = a.RunOnce(t.Context(), nil, runType) })
			time.Sleep(500 * time.Millisecond)
		}
		running.Wait()
		if want := []string{"scaler at 0s until 2s", "api at 2s until 4s", "api_dry_run at 4s until 6s"}; !slices.Equal(told, want) {
			t.Errorf("got %q, want %q", told, want)
		}
	})
}

func TestWhoGivesUpWaitingHasNoPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		w := &scripted{replicas: 1, asked: 1, slow: func() { <-over }}
		a := w.autoscaler(everySecond)
		go func() { _, _ = a.RunOnce(t.Context(), nil, userlogic.Scaler) }()
		synctest.Wait()
		before := len(w.calls)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, stopped := a.RunOnce(ctx, nil, userlogic.API)
		_, gone := a.RunOnce(t.Context(), ctx.Done(), userlogic.API)
		if !errors.Is(stopped, context.DeadlineExceeded) || !errors.Is(gone, context.Canceled) || len(w.calls) != before {
			t.Errorf("got %v, %v and %d steps, want no pass", stopped, gone, len(w.calls)-before)
		}
		close(over)
	})
}

func TestNothingIsBegunForWhoIsGone(t *testing.T) {
	gone := make(chan struct{})
	close(gone)
	for range 100 { // the turn is free, too, and chance chooses between the two
		w := &scripted{replicas: 1, asked: 1}
		if _, err := w.autoscaler(everySecond).RunOnce(t.Context(), gone, userlogic.API); !errors.Is(err, context.Canceled) || len(w.calls) > 0 {
			t.Fatalf("got %v and the steps %q", err, w.calls)
		}
	}
}

func TestMeasuringIsNoPass(t *testing.T) {
	w := &scripted{replicas: 2, asked: 4}
	told := 0
	a := w.autoscaler(everySecond, func(context.Context, pass.Pass) { told++ })
	if _, err := a.Measure(t.Context(), nil, userlogic.API); err != nil || told != 0 {
		t.Errorf("got %v, and %d were told of it", err, told)
	}
	if got, want := strings.Join(w.calls, ", "), "read, pods, gather, metric with 2"; got != want {
		t.Errorf("steps\n got %s\nwant %s", got, want)
	}
}

func TestAFailureIsInTheWordsOfAnHPA(t *testing.T) {
	for step, want := range map[string]pass.Failure{
		"read":          {Stage: "read_target", Reason: "FailedGetScale"},
		"pods":          {Stage: "list_pods", Reason: "FailedComputeMetricsReplicas"},
		"metric with 2": {Stage: "metric", Reason: "FailedComputeMetricsReplicas"},
		"evaluate":      {Stage: "evaluate", Reason: "FailedComputeMetricsReplicas"},
		"scale 4":       {Stage: "scale", Reason: "FailedRescale"},
	} {
		w := &scripted{replicas: 2, asked: 4, fails: map[string]error{step: errors.New("broken")}}
		var got pass.Failure
		_, _ = w.autoscaler(everySecond, func(_ context.Context, p pass.Pass) { got = *p.Failure }).RunOnce(t.Context(), nil, userlogic.Scaler)
		if got.Stage != want.Stage || got.Reason != want.Reason || got.Err == nil {
			t.Errorf("%s: got %+v, want %+v", step, got, want)
		}
	}
}

// A program that stops cuts its pass short, and nobody has to be told.
func TestAPassThatIsCutShortByStoppingIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &scripted{replicas: 2, fails: map[string]error{"metric with 2": fmt.Errorf("not started: %w", context.Canceled)}, slow: cancel}
	told := 0
	if _, err := w.autoscaler(everySecond, func(context.Context, pass.Pass) { told++ }).RunOnce(ctx, nil, userlogic.Scaler); !errors.Is(err, context.Canceled) || told != 0 {
		t.Errorf("got %v, and %d were told of it", err, told)
	}
}
