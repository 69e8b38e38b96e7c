package host

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/access"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/server"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/unit"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

const (
	// scrapes are the most that are answered at a time, each within the timeout that Prometheus has by default.
	scrapes      = 3
	scrapeWithin = 10 * time.Second

	// grace is what a caller has to take its answer when the program stops, after the method that was running has ended.
	grace = 5 * time.Second
)

// newServer serves one autoscaler, and the series of all.
func (h *Host) newServer(of Settings, one *unit.Unit) *server.Server {
	settings, reports := of.Config.APIConfig, one.Reports
	o := server.Options{
		Host: settings.Host, Port: settings.Port, ProbePort: settings.ProbePort,
		MaxRequests: settings.MaxRequests, MaxDecisions: settings.Decisions,
		Grace:      longestMethod(of.Config) + grace,
		Autoscaler: callers{one.Autoscaler}, Record: reports.Record, Alive: reports.Health.Alive, Ready: reports.Health.Ready,
		Metrics: promhttp.HandlerFor(h, promhttp.HandlerOpts{
			MaxRequestsInFlight: scrapes, Timeout: scrapeWithin, EnableOpenMetrics: true,
		}),
		Answered: func(path string, code int) { reports.Metrics.Requests.WithLabelValues(path, strconv.Itoa(code)).Inc() },
		Log:      of.Log,
	}
	if settings.UseHTTPS {
		o.CertFile, o.KeyFile = settings.CertFile, settings.KeyFile
	}
	if opens := settings.Opens(); opens != "" {
		of.Log.Warn(opens, "host", settings.Host, "port", settings.Port)
	}
	if settings.Authentication == config.NoAuthentication {
		return server.New(o)
	}
	o.Admit = access.NewGate(one.API, settings.AccessPrefix, telemetry.WarnOnce(of.Log, "asking Kubernetes about a caller of the REST API failed")).Admit
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
