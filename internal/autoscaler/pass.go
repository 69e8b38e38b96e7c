package autoscaler

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/level"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// RunOnce makes one pass, and waits for one that is under way:
//
//  1. read the target, and end here if it is switched off
//  2. list its pods, if anybody asks for them
//  3. gather Kubernetes metrics
//  4. run the metric stage
//  5. run the evaluate stage
//  6. decide
//  7. scale
//
// The first step that fails ends the pass. A dry run ends before the last step and leaves no trace in the state. The
// time of the pass is read when its turn has come: whoever waited for it would bring one that is over.
//
// Nothing is begun for a caller that is gone by then (nil for one that stays); what has begun goes on, until ctx is done.
func (a *Autoscaler) RunOnce(ctx context.Context, gone <-chan struct{}, runType userlogic.RunType) (pass.Pass, error) {
	return a.run(ctx, gone, runType, steps, a.parts.Watchers)
}

// Measure takes the first four steps only, for who asks for metrics. It is no pass, and nobody is told of it.
func (a *Autoscaler) Measure(ctx context.Context, gone <-chan struct{}, runType userlogic.RunType) ([]userlogic.ResourceMetric, error) {
	measured, err := a.run(ctx, gone, runType, steps[:4], nil)
	return measured.Metrics, err
}

func (a *Autoscaler) run(ctx context.Context, gone <-chan struct{}, runType userlogic.RunType, steps []step, watchers []Watcher) (pass.Pass, error) {
	leave, err := a.wait(ctx, gone)
	if err != nil {
		return pass.Pass{}, err
	}
	defer leave()
	ctx, span := a.parts.Tracer.Start(ctx, "pass", trace.WithAttributes(attribute.String("cpa.run_type", string(runType))))
	defer span.End()
	r := &run{Autoscaler: a, Pass: pass.New(runType, a.parts.Now(), a.state, a.parts.Mask)}
	err = r.take(ctx, steps)
	r.Waits = a.starting(r.Pass) && waits(r.Pass)
	describe(ctx, span, r.Pass, err)
	if cutShort(ctx, err) {
		return r.Pass, err
	}
	for _, watch := range watchers {
		watch(ctx, r.Pass)
	}
	return r.Pass, err
}

// startUp is how long the first metrics of new pods may take: metrics-server measures every 15 s, and needs two measurements.
const startUp = time.Minute

// starting reports whether the autoscaler has just started: no pass has succeeded with all metrics yet.
func (a *Autoscaler) starting(p pass.Pass) bool {
	if p.Failure == nil && p.MetricsProblem == nil && !p.DryRun() {
		a.started = true
	}
	return !a.started && p.Began.Sub(a.began) < startUp
}

// waits reports whether metrics that are not there yet are all that is missing.
func waits(p pass.Pass) bool {
	if p.MetricsProblem != nil {
		return notYet(p.MetricsProblem)
	}
	return p.Failure != nil && notYet(p.Failure.Err)
}

// notYet tells an error that ends by itself soon after a start.
func notYet(err error) bool {
	early, is := errors.AsType[interface {
		error
		NotYet() bool
	}](err)
	return is && early.NotYet()
}

// wait waits for the turn.
func (a *Autoscaler) wait(ctx context.Context, gone <-chan struct{}) (leave func(), err error) {
	select {
	case a.turn <- struct{}{}:
	case <-gone:
		return nil, context.Canceled
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = func() { <-a.turn }
	select {
	case <-gone: // when both had come, chance has chosen
		leave()
		return nil, context.Canceled
	default:
		return leave, nil
	}
}

// take takes the steps in order until one fails, or says that the pass is over.
func (r *run) take(ctx context.Context, steps []step) error {
	for _, step := range steps {
		began := r.parts.Now()
		err := r.takeOne(ctx, step)
		took := r.parts.Now().Sub(began)
		r.Stages = append(r.Stages, pass.Stage{Name: step.name, Took: took})
		r.parts.Log.Log(ctx, level.Stages, "stage", "stage", step.name, "took", took, "failed", err != nil)
		if err != nil {
			r.Failure = &pass.Failure{Stage: step.name, Reason: step.failure(err), Err: err}
		}
		if err != nil || r.over {
			return err
		}
	}
	return nil
}

func (r *run) takeOne(ctx context.Context, step step) error {
	ctx, span := r.parts.Tracer.Start(ctx, step.name)
	defer span.End()
	err := secret.MaskError(step.do(r, ctx), r.parts.Mask)
	fail(ctx, span, err)
	return err
}

// cutShort tells an error that stopping has made, which is no failure.
func cutShort(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && ctx.Err() != nil
}

func fail(ctx context.Context, span trace.Span, err error) {
	if err != nil && !cutShort(ctx, err) {
		span.SetStatus(codes.Error, err.Error())
	}
}

func describe(ctx context.Context, span trace.Span, p pass.Pass, err error) {
	fail(ctx, span, err)
	if d := p.Decision; d != nil {
		span.SetAttributes(
			attribute.Int("cpa.replicas.current", int(d.Current)), attribute.Int("cpa.replicas.recommended", int(d.Recommended)),
			attribute.Int("cpa.replicas.desired", int(d.Replicas)), attribute.String("cpa.reasons", d.Reasons()),
		)
	}
}

// run is a pass that is being made.
type run struct {
	*Autoscaler
	pass.Pass
	over bool

	evaluation userlogic.Evaluation
}
