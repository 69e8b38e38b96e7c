package autoscaler

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
)

// report writes the log of the loop: a line when something is news, and every pass where verbosity asks for it.
type report struct {
	log      *slog.Logger
	failure  state
	problem  state
	decision state
}

func (r *report) pass(ctx context.Context, pass Pass, err error) {
	if err != nil {
		r.log.Log(ctx, r.failure.level(slog.LevelError, err.Error()), "pass failed, nothing was scaled", "err", err)
		return
	}
	if failed := r.failure.clear(); failed > 0 {
		r.log.Info("recovered", "failedPasses", failed)
	}
	if pass.MetricsProblem != nil {
		r.log.Log(ctx, r.problem.level(slog.LevelWarn, pass.MetricsProblem.Error()),
			"going on without some Kubernetes metrics", "err", pass.MetricsProblem)
	} else if without := r.problem.clear(); without > 0 {
		r.log.Info("all Kubernetes metrics are there", "passesWithout", without)
	}
	r.decided(ctx, pass)
}

// decided writes one line for a decision: at the normal level if it scales, or if its reasons are new.
func (r *report) decided(ctx context.Context, pass Pass) {
	d := pass.Decision
	level := r.decision.level(slog.LevelInfo, d.Reasons())
	message := "kept replicas"
	if d.Changes() {
		level, message = slog.LevelInfo, "scaled"
	}
	line := []any{"current", d.Current, "recommended", d.Recommended, "replicas", d.Replicas, "reasons", d.Reasons(), "because", d.Explanation()}
	if pass.UserReason != "" {
		line = append(line, "userReason", pass.UserReason)
	}
	r.log.Log(ctx, level, message, line...)
}

// state is what was last reported, and for how many passes it has been so.
type state struct {
	text   string
	passes int
}

// level is the one for news, or the one for what was reported before.
func (s *state) level(news slog.Level, text string) slog.Level {
	if s.passes++; s.passes == 1 || s.text != text {
		s.text = text
		return news
	}
	return config.LogDecisions
}

// clear ends the state, and tells for how many passes it had lasted.
func (s *state) clear() int {
	passes := s.passes
	*s = state{}
	return passes
}

// asJSON is logged as the JSON that user logic would be given, and is only written where it is logged.
type asJSON struct{ value any }

func (j asJSON) LogValue() slog.Value {
	text, err := json.Marshal(j.value)
	if err != nil {
		return slog.AnyValue(err)
	}
	return slog.StringValue(string(text))
}
