package report

import (
	"context"
	"log/slog"

	"github.com/custom-pod-autoscaler/autoscaler/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// Log writes a line when something is news, and every pass where verbosity asks for it.
type Log struct {
	To *slog.Logger

	failure  state
	problem  state
	decision state
}

// Pass is a Watcher.
func (l *Log) Pass(ctx context.Context, pass autoscaler.Pass) {
	log := l.To
	if pass.RunType != userlogic.Scaler { // which goes without saying
		log = log.With("runType", pass.RunType)
	}
	if pass.DryRun() {
		l.asked(ctx, log, pass)
		return
	}
	if failed := pass.Failure; failed != nil {
		level, repeated := l.failure.next(slog.LevelError, failed.Err.Error())
		words := []any{"err", failed.Err, "reason", failed.Reason}
		if repeated > 0 {
			words = append(words, "previousFailedPasses", repeated)
		}
		log.Log(ctx, level, "pass failed, nothing was scaled", words...)
		return
	}
	if failed := l.failure.clear(); failed > 0 {
		log.Info("recovered", "failedPasses", failed)
	}
	l.metrics(ctx, log, pass)
	d := pass.Decision
	level, _ := l.decision.next(slog.LevelInfo, d.Reasons())
	message := "kept replicas"
	if d.Changes() {
		level, message = slog.LevelInfo, "scaled"
	}
	log.Log(ctx, level, message, line(pass)...)
}

// asked tells of a pass that only answered somebody, who knows by now: it is no news here.
func (l *Log) asked(ctx context.Context, log *slog.Logger, pass autoscaler.Pass) {
	if pass.Failure != nil {
		log.Log(ctx, config.LogDecisions, "pass failed", "err", pass.Failure.Err, "reason", pass.Failure.Reason)
		return
	}
	log.Log(ctx, config.LogDecisions, "would scale", line(pass)...)
}

// metrics tells when Kubernetes metrics begin to be missing, and when they are back.
func (l *Log) metrics(ctx context.Context, log *slog.Logger, pass autoscaler.Pass) {
	if pass.MetricsProblem != nil {
		level, _ := l.problem.next(slog.LevelWarn, pass.MetricsProblem.Error())
		log.Log(ctx, level, "going on without some Kubernetes metrics", "err", pass.MetricsProblem)
	} else if without := l.problem.clear(); without > 0 {
		log.Info("all Kubernetes metrics are there", "passesWithout", without)
	}
}

// line is what is logged of a decision.
func line(pass autoscaler.Pass) []any {
	d := pass.Decision
	words := []any{"current", d.Current, "recommended", d.Recommended, "replicas", d.Replicas, "reasons", d.Reasons(), "because", d.Explanation()}
	if pass.UserReason != "" {
		words = append(words, "userReason", pass.UserReason)
	}
	return words
}

// state is what was last reported, and for how many passes it has been so.
type state struct {
	text   string
	passes int // since it was last clear
	same   int // with this text
}

// next gives the level for news, or the one for what was reported before; and for news, how many passes the old had lasted.
func (s *state) next(news slog.Level, text string) (level slog.Level, before int) {
	s.passes++
	if s.passes > 1 && s.text == text {
		s.same++
		return config.LogDecisions, 0
	}
	before = s.same
	s.text, s.same = text, 1
	return news, before
}

// clear ends the state, and tells for how many passes it had lasted.
func (s *state) clear() int {
	passes := s.passes
	*s = state{}
	return passes
}
