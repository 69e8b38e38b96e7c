// Package unit is one autoscaler, complete: its pipeline and state, who is told of its passes, its lease and its part of its
// object's status.
//
// What belongs to the process, such as the connection, the port and the tracing, comes in from the host; a unit leaves nothing of its
// own behind when it ends.
package unit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/lease"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/recording"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/report"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// Component is who we are to the cluster: the source of events, and the manager of the fields that are written.
const Component = "custom-pod-autoscaler"

// Closing is how long the last words of an autoscaler, or of the process, may take to be sent.
const Closing = 3 * time.Second

// Options are what a unit is made of.
type Options struct {
	Config  config.Config
	Secrets []string // values that are known to be credentials
	Version string   // of the program
	Log     *slog.Logger
	Labels  prometheus.Labels // that its series carry, where they are not the only ones of the process

	// What it shares with others of the process.
	Connection *rest.Config
	Tracer     trace.Tracer
	Event      func(about corev1.ObjectReference, kind, reason, message string)
}

// Unit is one autoscaler, ready to run.
type Unit struct {
	*autoscaler.Autoscaler
	API     *kube.Client
	Reports Reports

	methods  methods
	status   *report.Status      // nil where there is no object
	lease    *lease.Lease        // likewise, and where leaderElection is off
	identity *lease.Identity     // that holds the lease
	recorder *recording.Recorder // nil where nothing is recorded
	watch    *workload.Watch     // nil where nobody needs pods
	log      *slog.Logger
}

// New builds every part. Nothing of the cluster is called yet: it may come up after us.
func New(options Options) (*Unit, error) {
	settings := options.Config
	api, err := kube.New(options.Connection, settings.RequestTimeout.Duration())
	if err != nil {
		return nil, err
	}
	reports := newReports(options)
	methods, err := newMethods(settings, options.Log, reports.series.Ran, options.Secrets)
	if err != nil {
		return nil, err
	}
	u := &Unit{API: api, Reports: reports, methods: methods, log: options.Log}
	parts := newParts(settings, api, methods, nil, time.Now, options.Log)
	parts.Tracer, parts.Mask = options.Tracer, secret.New(options.Secrets...).Mask
	if settings.NeedsPods() {
		u.watch = newWatch(settings, api, options.Log)
		parts.Target = u.watch
	}
	if err := u.of(newObject(settings, api, options.Log), settings, &parts); err != nil {
		return nil, err
	}
	parts.Watchers = reports.watchers(options.Event, u.status)
	if settings.Record != nil {
		u.recorder = newRecorder(settings, options.Log)
		parts.Watchers = append(parts.Watchers, u.recorder.Pass)
	}
	u.Autoscaler = autoscaler.New(parts, settingsOf(settings))
	return u, nil
}

// of makes the autoscaler one of an object, where there is one.
func (u *Unit) of(object *object, settings config.Config, parts *autoscaler.Parts) (err error) {
	if object == nil {
		return nil
	}
	u.status = object.status(settings)
	if !settings.LeaderElection {
		u.log.Warn("nothing keeps a second autoscaler of the object out (leaderElection: false)", "object", object.name)
		return nil
	}
	if u.identity, err = lease.NewIdentity(object.namespace, cpav1.LeaseOf(object.name)); err != nil {
		return err
	}
	u.lease = object.lease(u.identity)
	scaler := newScaler(settings, object.api, u.methods)
	scaler.Confirm = u.lease.Confirm
	parts.Scale, parts.CheckLease = scaler, u.lease.Check
	return nil
}

// Run makes passes until ctx is done; a method that is running then ends within its own timeout. What is beside runs as long, such as
// a port by which passes are asked for. Meanwhile the lease is held, the pods are watched, and what is told of passes is written.
// Close is to follow.
func (u *Unit) Run(ctx context.Context, beside ...func(context.Context)) {
	background, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the last pass has ended
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	if u.lease != nil {
		running.Go(func() { u.lease.Run(background) })
	}
	if u.status != nil {
		running.Go(func() { u.status.Run(background) })
	}
	if u.watch != nil {
		running.Go(func() { u.watch.Run(background) })
	}
	if u.recorder != nil {
		running.Go(func() { u.recorder.Run(background) })
	}
	var passing sync.WaitGroup
	for _, run := range beside {
		passing.Go(func() { run(ctx) })
	}
	u.Autoscaler.Run(ctx)
	passing.Wait()
}

// Close sends what is to be said last, and ends what methods keep.
func (u *Unit) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Closing)
	defer cancel()
	var closing sync.WaitGroup
	closing.Go(u.methods.close)
	if u.status != nil {
		closing.Go(func() { u.status.Close(ctx) })
	}
	if u.lease != nil {
		closing.Go(func() {
			u.lease.Release(ctx)
			_ = u.identity.Close() // which the end of the process does, too
		})
	}
	closing.Wait()
}
