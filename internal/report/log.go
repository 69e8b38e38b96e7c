package report

import (
	"context"
	"log/slog"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/level"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Log writes a line when something is news, and every pass where verbosity asks for it.
type Log struct {
	To *slog.Logger

	failure  state
	problem  state
	decision state
	waiting  state // for what is not there yet, at a start
	asking   state // failures of passes that only answer somebody
}

// Pass is a Watcher.
func (l *Log) Pass(ctx context.Context, p pass.Pass) {
	log := l.To
	if p.RunType != userlogic.Scaler { // which goes without saying
		log = log.With("runType", p.RunType)
	}
	if p.DryRun() {
		l.asked(ctx, log, p)
		return
	}
	if failed := p.Failure; failed != nil && p.Waits {
		level, _ := l.waiting.next(slog.LevelInfo, failed.Err.Error(), p.Began)
		log.Log(ctx, level, "waiting for metrics, as is usual at a start; nothing was scaled", "err", failed.Err, "reason", failed.Reason)
		return
	} else if failed != nil {
		l.failed(ctx, log, p, &l.failure, slog.LevelError, "pass failed, nothing was scaled")
		return
	}
	l.waiting.clear()
	if failed := l.failure.clear(); failed > 0 {
		log.Info("recovered", "failedPasses", failed)
	}
	l.metrics(ctx, log, p)
	d := p.Decision
	level, _ := l.decision.once(slog.LevelInfo, d.Reasons())
	message := "kept replicas"
	if d.Changes() {
		level, message = slog.LevelInfo, "scaled"
	}
	log.Log(ctx, level, message, line(p)...)
}

// failed tells of a failure when it is news, and from time to time while it lasts.
func (l *Log) failed(ctx context.Context, log *slog.Logger, p pass.Pass, state *state, news slog.Level, message string) {
	level, since := state.next(news, p.Failure.Err.Error(), p.Began)
	words := []any{"err", p.Failure.Err, "reason", p.Failure.Reason}
	known := p.Fault()
	if known.Setting != "" {
		words = append(words, "setting", known.Setting)
	}
	if !known.Retry {
		words = append(words, "retry", false)
	}
	switch {
	case since.other > 0:
		words = append(words, "previousFailedPasses", since.other)
	case since.same > 1:
		words = append(words, "failedPasses", since.same)
	}
	log.Log(ctx, level, message, words...)
}

// asked tells of a pass that only answered somebody.
func (l *Log) asked(ctx context.Context, log *slog.Logger, p pass.Pass) {
	if p.Failure != nil {
		l.failed(ctx, log, p, &l.asking, slog.LevelWarn, "dry run failed")
		return
	}
	l.asking.clear()
	log.Log(ctx, level.Decisions, "would scale", line(p)...)
}

// metrics tells when Kubernetes metrics begin to be missing, and when they are back.
func (l *Log) metrics(ctx context.Context, log *slog.Logger, p pass.Pass) {
	if p.MetricsProblem != nil {
		news, state := slog.LevelWarn, &l.problem
		if p.Waits {
			news, state = slog.LevelInfo, &l.waiting
		}
		level, since := state.next(news, p.MetricsProblem.Error(), p.Began)
		words := []any{"err", p.MetricsProblem}
		if since.same > 1 {
			words = append(words, "passesWithout", since.same)
		}
		log.Log(ctx, level, "going on without some Kubernetes metrics", words...)
	} else if without := l.problem.clear(); without > 0 {
		log.Info("all Kubernetes metrics are there", "passesWithout", without)
	}
}

// line is what is logged of a decision.
func line(p pass.Pass) []any {
	d := p.Decision
	words := []any{"current", d.Current, "recommended", d.Recommended, "replicas", d.Replicas, "reasons", d.Reasons(), "because", d.Explanation()}
	if p.UserReason != "" {
		words = append(words, "userReason", p.UserReason)
	}
	return words
}

// state is what was last reported, and for how many passes it has been so.
type state struct {
	text   string
	passes int // since it was last clear
	same   int // with this text
	again  int // how often it was repeated with this text
	at     time.Time
}

// since is how many passes it has been so: with the same text, or at a change with the text before.
type since struct{ same, other int }

// next gives the level for news and for what lasts, from time to time, or the one for what was reported before.
func (s *state) next(news slog.Level, text string, now time.Time) (slog.Level, since) {
	level, before := s.once(news, text)
	if s.same == 1 {
		s.at, s.again = now, 0
		return level, since{1, before}
	}
	if now.Sub(s.at) < repeats(s.again) {
		return level, since{}
	}
	s.again++
	return news, since{same: s.same}
}

// repeats is how long after its first report what lasts is reported again: after 1 and 5 minutes, and then every 15.
func repeats(times int) time.Duration {
	switch times {
	case 0:
		return time.Minute
	case 1:
		return 5 * time.Minute
	}
	return 5*time.Minute + time.Duration(times-1)*15*time.Minute
}

// once gives the level for news, or the one for what was reported before; and for news, how many passes the old had lasted.
func (s *state) once(news slog.Level, text string) (at slog.Level, before int) {
	s.passes++
	if s.passes > 1 && s.text == text {
		s.same++
		return level.Decisions, 0
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
