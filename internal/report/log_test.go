package report

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/level"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// decidedOn is a pass of the loop that came to a decision.
func decidedOn(current, recommended, replicas int32, chain ...decision.Step) pass.Pass {
	return pass.Pass{RunType: userlogic.Scaler, Decision: &decision.Decision{
		Current: current, Recommended: recommended, Replicas: replicas, Chain: chain,
	}}
}

// failedWith is a pass of the loop that failed while reading the target.
func failedWith(err error) pass.Pass {
	return pass.Pass{RunType: userlogic.Scaler, Failure: &pass.Failure{Stage: "read_target", Reason: "FailedGetScale", Err: err}}
}

// as is the same pass, started by somebody else.
func as(runType userlogic.RunType, p pass.Pass) pass.Pass {
	p.RunType = runType
	return p
}

// lastWords are the lines of a log without time and level.
func lastWords(log *bytes.Buffer, level slog.Level, keys ...string) *slog.Logger {
	return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		for _, key := range keys {
			if a.Key == key {
				return a
			}
		}
		return slog.Attr{}
	}}))
}

// TestTheLogHasNoLineWithoutNews plays passes and reads the log at the normal level.
func TestTheLogHasNoLineWithoutNews(t *testing.T) {
	var out bytes.Buffer
	log := Log{To: lastWords(&out, slog.LevelInfo, "msg", "err", "failedPasses", "previousFailedPasses", "runType")}
	kept, missing := decidedOn(1, 1, 1), decidedOn(1, 1, 1)
	missing.MetricsProblem = errors.New("no metrics")
	down := failedWith(errors.New("no cluster"))
	for _, row := range []struct {
		name string
		pass pass.Pass
		want string
	}{
		{"the first decision", kept, `msg="kept replicas"`},
		{"the same again", kept, ``},
		{"it fails", down, `msg="pass failed, nothing was scaled" err="no cluster"`},
		{"it fails the same way", down, ``},
		{"and again", down, ``},
		{"it fails another way", failedWith(errors.New("no target")), `msg="pass failed, nothing was scaled" err="no target" previousFailedPasses=3`},
		{"it fails this way once more", failedWith(errors.New("no target")), ``},
		{"it works again", kept, `msg=recovered failedPasses=5`},
		{"metrics are missing", missing, `msg="going on without some Kubernetes metrics" err="no metrics"`},
		{"they still are", missing, ``},
		{"they are there again", kept, `msg="all Kubernetes metrics are there"`},
		{"a change is always news", decidedOn(1, 2, 2), `msg=scaled`},
		{"and the next", decidedOn(2, 3, 3), `msg=scaled`},
		{"another reason is news", decidedOn(0, 0, 0, decision.Disabled().Chain...), `msg="kept replicas"`},
		{"a call of the API says so", as(userlogic.API, decidedOn(1, 5, 5)), `msg=scaled runType=api`},
		{"a dry run is no news", as(userlogic.APIDryRun, decidedOn(1, 9, 9)), ``},
		{"one that failed is", as(userlogic.APIDryRun, down), `msg="dry run failed" runType=api_dry_run err="no cluster"`},
		{"one that failed the same way is not", as(userlogic.APIDryRun, down), ``},
		{"a pass that waits at a start is no failure", waiting(down), `msg="waiting for metrics, as is usual at a start; nothing was scaled" err="no cluster"`},
		{"it still waits", waiting(down), ``},
		{"it has waited for too long", down, `msg="pass failed, nothing was scaled" err="no cluster"`},
		{"it works after that", kept, "msg=recovered failedPasses=1"},
		{"metrics are missing at a start", waiting(missing), "msg=\"going on without some Kubernetes metrics\" err=\"no metrics\""},
	} {
		out.Reset()
		log.Pass(t.Context(), row.pass)
		if got := strings.TrimSpace(out.String()); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func waiting(p pass.Pass) pass.Pass {
	p.Waits = true
	return p
}

// TestTheLogRepeatsWhatLasts plays passes that fail once every 15 seconds for an hour.
func TestTheLogRepeatsWhatLasts(t *testing.T) {
	lost := decidedOn(1, 1, 1)
	lost.MetricsProblem = errors.New("no metrics")
	for name, row := range map[string]struct {
		pass  pass.Pass
		count string
	}{
		"a failed pass":    {failedWith(errors.New("no cluster")), "failedPasses"},
		"a failed dry run": {as(userlogic.APIDryRun, failedWith(errors.New("no cluster"))), "failedPasses"},
		"missing metrics":  {lost, "passesWithout"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := Log{To: lastWords(&out, slog.LevelWarn, row.count)}
			begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			var told []string
			for at := time.Duration(0); at <= time.Hour; at += 15 * time.Second {
				out.Reset()
				row.pass.Began = begin.Add(at)
				log.Pass(t.Context(), row.pass)
				if out.Len() > 0 {
					told = append(told, strings.TrimSpace(at.String()+" "+strings.TrimPrefix(strings.TrimSpace(out.String()), row.count+"=")))
				}
			}
			if want := []string{"0s", "1m0s 5", "5m0s 21", "20m0s 81", "35m0s 141", "50m0s 201"}; !slices.Equal(told, want) {
				t.Errorf("got %q, want %q", told, want)
			}
		})
	}
}

func TestTheLogNamesTheSettingBehindAFailure(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{errTold, "setting=kubernetesMetricSpecs[0] retry=false"},
		{errors.New("no cluster"), ""},
	} {
		var out bytes.Buffer
		log := Log{To: lastWords(&out, slog.LevelWarn, "setting", "retry")}
		log.Pass(t.Context(), failedWith(row.err))
		if got := strings.TrimSpace(out.String()); got != row.want {
			t.Errorf("%v: got %q, want %q", row.err, got, row.want)
		}
	}
}

func TestVerbosityOneShowsEachDecision(t *testing.T) {
	var out bytes.Buffer
	log := Log{To: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level.Decisions}))}
	for range 3 {
		log.Pass(t.Context(), decidedOn(1, 1, 1))
		log.Pass(t.Context(), as(userlogic.APIDryRun, decidedOn(1, 2, 2)))
	}
	if kept, asked := strings.Count(out.String(), "kept replicas"), strings.Count(out.String(), "would scale"); kept != 3 || asked != 3 {
		t.Errorf("%d and %d lines for 3 passes and 3 dry runs:\n%s", kept, asked, out.String())
	}
}
