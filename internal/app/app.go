// Package app builds the program: every client, wired straight, from a configuration to an autoscaler that runs.
//
// It is the only room that builds clients; it decides nothing.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kubemetrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/lease"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/recording"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/report"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/scale"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/server"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/stage"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/target"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
)

// closing is how long the last events, and the last traces, may take to be sent.
const closing = 3 * time.Second

// Options are what the program is started with.
type Options struct {
	Config  config.Config
	Cluster Cluster
	Tracing string   // the protocol that traces are sent by; "" for none
	Secrets []string // values that are known to be credentials
	Version string
	Log     *slog.Logger
}

// App is the program, ready to run.
type App struct {
	autoscaler *autoscaler.Autoscaler
	methods    methods
	server     *server.Server // nil where it is not enabled
	events     *telemetry.Events
	status     *report.Status      // nil where there is no object
	lease      *lease.Lease        // likewise, and where leaderElection is off
	identity   *lease.Identity     // that holds the lease
	recorder   *recording.Recorder // nil where nothing is recorded
	watch      *target.Watch       // nil where nobody needs pods
	tracing    *telemetry.Tracing
	log        *slog.Logger
}

// New builds every part. Nothing of the cluster is called yet: it may come up after us.
func New(ctx context.Context, options Options) (*App, error) {
	settings := options.Config
	connection, err := options.Cluster.connect()
	if err != nil {
		return nil, err
	}
	api, err := kube.New(connection, settings.RequestTimeout.Duration())
	if err != nil {
		return nil, err
	}
	tracing, err := newTracing(ctx, options)
	if err != nil {
		return nil, err
	}
	reports := newReports(options)
	methods, err := newMethods(settings, options.Log, reports.series.Ran, options.Secrets)
	if err != nil {
		return nil, err
	}
	if err := process.AdoptOrphans(); err != nil {
		return nil, fmt.Errorf("becoming the parent of user logic's orphans: %w", err)
	}
	app := &App{methods: methods, tracing: tracing, events: newEvents(ctx, api, options.Log), log: options.Log}
	parts := newParts(settings, api, methods, time.Now, options.Log)
	parts.Tracer, parts.Mask = tracing.Tracer, secret.New(options.Secrets...).Mask
	if settings.NeedsPods() {
		app.watch = newWatch(settings, api, options.Log)
		parts.Target = app.watch
	}
	if err := app.of(newObject(settings, api, options.Log), settings, &parts); err != nil {
		return nil, err
	}
	parts.Watchers = reports.watchers(app.events.Event, app.status)
	if settings.Record != nil {
		app.recorder = newRecorder(settings, options.Log)
		parts.Watchers = append(parts.Watchers, app.recorder.Pass)
	}
	app.autoscaler = autoscaler.New(parts, settingsOf(settings))
	if settings.APIConfig.Enabled {
		app.server = newServer(options, api, app.autoscaler, reports)
	}
	return app, nil
}

// newParts are the rooms of the pipeline.
func newParts(settings config.Config, api *kube.Client, methods methods, now func() time.Time, log *slog.Logger) autoscaler.Parts {
	parts := autoscaler.Parts{
		Target: target.NewReader(api, *settings.ScaleTargetRef, settings.Namespace),
		Metric: stage.Metric{
			Stage: methods.metric, Mode: settings.RunMode, OwnMetrics: settings.PodMetrics == config.OwnPodMetrics,
			Concurrency: settings.Concurrency(), Timeout: settings.MetricTimeout.Duration(),
		},
		Evaluate: stage.Evaluate{Stage: methods.evaluate, Evaluator: methods.evaluator},
		Scale:    newScaler(settings, api, methods),
		Now:      now, Log: log,
	}
	if len(settings.KubernetesMetricSpecs) > 0 {
		parts.KubernetesMetrics = kubemetrics.NewGatherer(api, settings.KubernetesMetricSpecs, kubemetrics.StartUpRules{
			CPUInitializationPeriod: settings.CPUInitializationPeriod.Duration(),
			InitialReadinessDelay:   settings.InitialReadinessDelay.Duration(),
		})
	}
	return parts
}

func newScaler(settings config.Config, api *kube.Client, methods methods) scale.Scaler {
	return scale.Scaler{API: api, Before: methods.scale.Before, After: methods.scale.After, Rules: rulesOf(settings)}
}

// newWatch follows the target's pods, of which user logic may be handed all there is, and metrics need little.
func newWatch(settings config.Config, api *kube.Client, log *slog.Logger) *target.Watch {
	reader := target.NewReader(api, *settings.ScaleTargetRef, settings.Namespace)
	return target.NewWatch(reader, settings.RunMode == config.PerPod, kubemetrics.Trim,
		telemetry.WarnOnce(log, "watching the target's pods failed; they are listed at each pass"))
}

func settingsOf(settings config.Config) autoscaler.Settings {
	return autoscaler.Settings{
		Rules:                    rulesOf(settings),
		NeedsPods:                settings.NeedsPods(),
		RequireKubernetesMetrics: settings.RequireKubernetesMetrics,
		Interval:                 settings.Interval.Duration(),
		StartTime:                settings.StartTime.Duration(),
	}
}

// of makes the autoscaler one of an object, where there is one.
func (a *App) of(object *object, settings config.Config, parts *autoscaler.Parts) (err error) {
	if object == nil {
		return nil
	}
	a.status = object.status(settings)
	if !settings.LeaderElection {
		a.log.Warn("nothing keeps a second autoscaler of the object out (leaderElection: false)", "object", object.name)
		return nil
	}
	if a.identity, err = lease.NewIdentity(object.namespace, cpav1.LeaseOf(object.name)); err != nil {
		return err
	}
	a.lease = object.lease(a.identity)
	scaler := newScaler(settings, object.api, a.methods)
	scaler.Confirm = a.lease.Confirm
	parts.Scale, parts.CheckLease = scaler, a.lease.Check
	return nil
}

// Run runs the autoscaler, and serves its port, until ctx is done; a method that is running then ends within its own
// timeout. What is said last is still sent, and what methods keep ends.
func (a *App) Run(ctx context.Context) error {
	defer a.close(context.WithoutCancel(ctx))
	background, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the last pass has ended
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	if a.lease != nil {
		running.Go(func() { a.lease.Run(background) })
	}
	if a.status != nil {
		running.Go(func() { a.status.Run(background) })
	}
	if a.watch != nil {
		running.Go(func() { a.watch.Run(background) })
	}
	if a.recorder != nil {
		running.Go(func() { a.recorder.Run(background) })
	}
	return a.run(ctx)
}

func (a *App) run(ctx context.Context) error {
	if a.server == nil {
		a.autoscaler.Run(ctx)
		return nil
	}
	listener, err := a.server.Listen()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		served <- a.server.Serve(ctx, listener)
		cancel()
	}()
	a.autoscaler.Run(ctx)
	return <-served
}

func (a *App) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closing)
	defer cancel()
	var sending sync.WaitGroup // to servers of which one may be away
	sending.Go(func() { a.events.Close(ctx) })
	sending.Go(a.methods.close)
	if a.status != nil {
		sending.Go(func() { a.status.Close(ctx) })
	}
	if a.lease != nil {
		sending.Go(func() {
			a.lease.Release(ctx)
			_ = a.identity.Close() // which the end of the process does, too
		})
	}
	sending.Go(func() {
		// Of a collector that is away was warned before.
		if err := a.tracing.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			a.log.Warn("sending the last traces failed", "err", err)
		}
	})
	sending.Wait()
}
