package app

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/access"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/server"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

const (
	// scrapes are the most that are answered at a time, each within the timeout that Prometheus has by default.
	scrapes      = 3
	scrapeWithin = 10 * time.Second

	// grace is what a caller has to take its answer when the program stops, after the method that was running has ended.
	grace = 5 * time.Second
)

func newServer(options Options, api *kube.Client, autoscaler *autoscaler.Autoscaler, reports reports) *server.Server {
	settings := options.Config.APIConfig
	o := server.Options{
		Host: settings.Host, Port: settings.Port, ProbePort: settings.ProbePort,
		MaxRequests: settings.MaxRequests, MaxDecisions: settings.Decisions,
		Grace:      longestMethod(options.Config) + grace,
		Autoscaler: callers{autoscaler}, Record: reports.record, Alive: reports.health.Alive, Ready: reports.health.Ready,
		Metrics: promhttp.HandlerFor(reports.metrics.Registry, promhttp.HandlerOpts{
			MaxRequestsInFlight: scrapes, Timeout: scrapeWithin, EnableOpenMetrics: true,
		}),
		Answered: func(path string, code int) { reports.metrics.Requests.WithLabelValues(path, strconv.Itoa(code)).Inc() },
		Log:      options.Log,
	}
	if settings.UseHTTPS {
		o.CertFile, o.KeyFile = settings.CertFile, settings.KeyFile
	}
	if opens := settings.Opens(); opens != "" {
		options.Log.Warn(opens, "host", settings.Host, "port", settings.Port)
	}
	if settings.Authentication == config.NoAuthentication {
		return server.New(o)
	}
	o.Admit = access.NewGate(api, settings.AccessPrefix, telemetry.WarnOnce(options.Log, "asking Kubernetes about a caller of the REST API failed")).Admit
	o.AdmitMetrics = settings.MetricsAuthentication
	return server.New(o)
}

func longestMethod(settings config.Config) (longest time.Duration) {
	for name, method := range settings.Methods() {
		longest = max(longest, method.Settings(name).Longest())
	}
	return longest
}

// callers are who asks for passes by the REST API.
type callers struct{ *autoscaler.Autoscaler }

// Evaluate makes a pass, and gives what is applied, or would be.
func (c callers) Evaluate(ctx context.Context, gone <-chan struct{}, runType userlogic.RunType) (userlogic.RESTEvaluation, error) {
	pass, err := c.RunOnce(ctx, gone, runType)
	if err != nil {
		return userlogic.RESTEvaluation{}, err
	}
	return userlogic.RESTEvaluation{TargetReplicas: pass.Decision.Replicas, Recommendation: pass.Decision.Recommended}, nil
}
