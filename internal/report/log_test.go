package report

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// decidedOn is a pass of the loop that came to a decision.
func decidedOn(current, recommended, replicas int32, chain ...decision.Step) autoscaler.Pass {
	return autoscaler.Pass{RunType: userlogic.Scaler, Decision: &decision.Decision{
		Current: current, Recommended: recommended, Replicas: replicas, Chain: chain,
	}}
}

// failedWith is a pass of the loop that failed while reading the target.
func failedWith(err error) autoscaler.Pass {
	return autoscaler.Pass{RunType: userlogic.Scaler, Failure: &autoscaler.Failure{Stage: "read_target", Reason: "FailedGetScale", Err: err}}
}

// as is the same pass, started by somebody else.
func as(runType userlogic.RunType, pass autoscaler.Pass) autoscaler.Pass {
	pass.RunType = runType
	return pass
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
		pass autoscaler.Pass
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
		{"nor is one that failed", as(userlogic.APIDryRun, down), ``},
	} {
		out.Reset()
		log.Pass(t.Context(), row.pass)
		if got := strings.TrimSpace(out.String()); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func TestVerbosityOneShowsEachDecision(t *testing.T) {
	var out bytes.Buffer
	log := Log{To: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: config.LogDecisions}))}
	for range 3 {
		log.Pass(t.Context(), decidedOn(1, 1, 1))
		log.Pass(t.Context(), as(userlogic.APIDryRun, decidedOn(1, 2, 2)))
	}
	if kept, asked := strings.Count(out.String(), "kept replicas"), strings.Count(out.String(), "would scale"); kept != 3 || asked != 3 {
		t.Errorf("%d and %d lines for 3 passes and 3 dry runs:\n%s", kept, asked, out.String())
	}
}
