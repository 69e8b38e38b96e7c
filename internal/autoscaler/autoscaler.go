// Package autoscaler runs the pipeline: one pass at a time, once every interval and whenever somebody asks.
//
// It owns the order of the steps and the state of the decisions. Other packages carry each step out, and watchers report passes.
// Clients, the clock and the configuration come in from outside.
package autoscaler

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Target is read once a pass.
type Target interface {
	Read(context.Context) (workload.Snapshot, error)
	Pods(context.Context, workload.Snapshot) ([]workload.Pod, error)
}

// Sources are what metrics are gathered from; what could be gathered is returned together with a *metrics.Error about the rest.
type Sources interface {
	Gather(context.Context, *metrics.Scene) ([]metrics.Metric, error)
}

// Metric is the metric stage.
type Metric interface {
	Run(context.Context, pass.Observation) ([]userlogic.ResourceMetric, error)
}

// Evaluate is the evaluate stage.
type Evaluate interface {
	Run(context.Context, pass.Observation) (userlogic.Evaluation, error)
}

// Scale carries a decision out. The target may have been scaled although there is an error: hooks run after it.
type Scale interface {
	Scale(context.Context, pass.Observation, decision.Decision) (scaled bool, err error)
}

// Watcher is told of each pass when it has ended, before the next one starts, and does not keep that one waiting.
type Watcher func(context.Context, pass.Pass)

// Parts are what an autoscaler is made of.
type Parts struct {
	Target     Target
	Sources    Sources // nil where none are configured
	Metric     Metric
	Evaluate   Evaluate
	Scale      Scale
	CheckLease func(context.Context) error // gives a lease.NotHeldError while another may be scaling; nil without a lease

	// Mask takes credentials out of every error, and of the reason that evaluate gives; nil takes out what looks like one.
	Mask func(string) string

	Watchers []Watcher
	Tracer   trace.Tracer
	Now      func() time.Time
	Log      *slog.Logger
}

// Settings are what holds for every pass.
type Settings struct {
	Rules                    decision.Rules
	NeedsPods                bool // somebody asks for the target's pods
	RequireKubernetesMetrics bool
	Interval, StartTime      time.Duration
}

// Autoscaler scales one target.
type Autoscaler struct {
	parts    Parts
	settings Settings

	turn chan struct{} // the pass that runs holds its one place; others wait in order

	// Whose turn it is has these.
	state      decision.State
	noSelector bool // the target had none at the last pass that asked for pods
	started    bool // a pass has succeeded with all metrics

	began time.Time
}

// Restore goes on from a state, in place of what this autoscaler has decided.
func (a *Autoscaler) Restore(state decision.State) {
	a.turn <- struct{}{}
	a.state = state
	<-a.turn
}

// New gives an autoscaler that has done nothing yet.
func New(parts Parts, settings Settings) *Autoscaler {
	if parts.Mask == nil {
		parts.Mask = secret.Mask
	}
	return &Autoscaler{parts: parts, settings: settings, turn: make(chan struct{}, 1), began: parts.Now()}
}
