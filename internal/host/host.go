// Package host is one process: its connection to the cluster, its tracing, its events, its port, the children that it adopts, and the
// autoscalers that it runs. The program is a host of one.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/unit"
)

// Options are what a host is started with.
type Options struct {
	Cluster Cluster
	Tracing string // the protocol that traces are sent by; "" for none
	Version string
	Log     *slog.Logger

	RequestTimeout time.Duration // the longest that the writing of an event may take
}

// Host runs autoscalers, which share what belongs to the process.
type Host struct {
	options    Options
	connection *rest.Config
	tracing    *telemetry.Tracing
	events     *telemetry.Events
	process    *prometheus.Registry

	lock   sync.Mutex
	units  map[string]*running
	closed bool
}

// running is a unit that runs.
type running struct {
	*unit.Unit
	stop  context.CancelFunc
	ended chan struct{}
}

// New makes a host of no autoscaler yet. Nothing of the cluster is called: it may come up after us.
func New(ctx context.Context, options Options) (*Host, error) {
	connection, err := options.Cluster.connect()
	if err != nil {
		return nil, err
	}
	return newHost(ctx, connection, options)
}

func newHost(ctx context.Context, connection *rest.Config, options Options) (*Host, error) {
	tracing, err := newTracing(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := adoptOrphans(); err != nil {
		return nil, err
	}
	api, err := kube.New(connection, options.RequestTimeout)
	if err != nil {
		return nil, err
	}
	return &Host{
		options: options, connection: connection, tracing: tracing, events: newEvents(ctx, api, options.Log), process: telemetry.NewProcess(),
		units: map[string]*running{},
	}, nil
}

// adoptOrphans makes what user logic leaves behind children of this process, of which the whole program has one.
func adoptOrphans() error {
	if err := process.AdoptOrphans(); err != nil {
		return fmt.Errorf("becoming the parent of user logic's orphans: %w", err)
	}
	return nil
}

// Settings are what one of the host's autoscalers is given.
type Settings struct {
	Config  config.Config
	Secrets []string // values that are known to be credentials
	Log     *slog.Logger
	Labels  prometheus.Labels // that its series carry, where the host has several
}

// make makes an autoscaler that shares what the host has.
func (h *Host) make(settings Settings) (*unit.Unit, error) {
	return unit.New(unit.Options{
		Config: settings.Config, Secrets: settings.Secrets, Version: h.options.Version, Log: settings.Log, Labels: settings.Labels,
		Connection: h.connection, Tracer: h.tracing.Tracer, Event: h.events.Event,
	})
}

// Add makes an autoscaler and runs it, until it is removed, or the host closed, whatever context its caller has.
func (h *Host) Add(key string, settings Settings) error {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.closed {
		return errors.New("the host is closed")
	}
	if h.units[key] != nil {
		return fmt.Errorf("there is an autoscaler %q already", key)
	}
	made, err := h.make(settings)
	if err != nil {
		return err
	}
	h.start(context.Background(), key, made)
	return nil
}

// start runs an autoscaler until ctx is done or it is removed, with what is beside. The lock is held.
func (h *Host) start(ctx context.Context, key string, of *unit.Unit, beside ...func(context.Context)) *running {
	ctx, stop := context.WithCancel(ctx)
	r := &running{Unit: of, stop: stop, ended: make(chan struct{})}
	h.units[key] = r
	go func() {
		defer close(r.ended)
		defer stop()
		r.Run(ctx, beside...)
		r.Close(ctx)
	}()
	return r
}

// RunOne runs a single autoscaler, and serves its port, until ctx is done.
func (h *Host) RunOne(ctx context.Context, settings Settings) error {
	one, err := h.make(settings)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside []func(context.Context)
	var served error
	if settings.Config.APIConfig.Enabled {
		server := h.newServer(settings, one)
		listener, err := server.Listen()
		if err != nil {
			one.Close(ctx)
			return err
		}
		beside = append(beside, func(ctx context.Context) {
			served = server.Serve(ctx, listener)
			cancel()
		})
	}
	h.lock.Lock()
	r := h.start(ctx, "", one, beside...)
	h.lock.Unlock()
	<-r.ended
	return served
}

// Remove ends an autoscaler, and waits for its end; there need not be one of that key. Until then no other can be added under the key,
// so that never two scale its target.
func (h *Host) Remove(key string) {
	h.lock.Lock()
	r := h.units[key]
	h.lock.Unlock()
	if r == nil {
		return
	}
	r.stop()
	<-r.ended
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.units[key] == r {
		delete(h.units, key)
	}
}

// Gather is that of a prometheus.Gatherer: the series of the process, and of all autoscalers.
func (h *Host) Gather() ([]*dto.MetricFamily, error) {
	h.lock.Lock()
	all := prometheus.Gatherers{h.process}
	for _, r := range h.units {
		all = append(all, r.Reports.Metrics.Registry)
	}
	h.lock.Unlock()
	return all.Gather()
}

// Close ends all autoscalers, and sends the last events and traces.
func (h *Host) Close(ctx context.Context) {
	h.lock.Lock()
	units := h.units
	h.closed = true
	h.units = map[string]*running{}
	h.lock.Unlock()
	for _, r := range units {
		r.stop()
	}
	for _, r := range units {
		<-r.ended
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unit.Closing)
	defer cancel()
	var sending sync.WaitGroup // to servers of which one may be away
	sending.Go(func() { h.events.Close(ctx) })
	sending.Go(func() {
		// It was logged before if the collector is away.
		if err := h.tracing.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			h.options.Log.Warn("sending the last traces failed", "err", err)
		}
	})
	sending.Wait()
}

func newEvents(ctx context.Context, api *kube.Client, log *slog.Logger) *telemetry.Events {
	return telemetry.NewEvents(ctx, unit.Component, func(ctx context.Context) record.EventSink {
		return kube.EventSink{API: api, Context: ctx, Wrote: telemetry.WarnOnce(log, "writing Kubernetes Events failed; scaling goes on")}
	})
}

func newTracing(ctx context.Context, options Options) (*telemetry.Tracing, error) {
	if options.Tracing == "" {
		return telemetry.NoTracing(), nil
	}
	return telemetry.NewTracing(ctx, options.Tracing == config.TracesOverGRPC, options.Version, options.Log)
}
