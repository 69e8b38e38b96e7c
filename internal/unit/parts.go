package unit

import (
	"log/slog"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/direct"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metricsapi"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/scale"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/stage"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// newParts are the steps of the pipeline.
func newParts(settings config.Config, api *kube.Client, methods methods, world direct.World, now func() time.Time, log *slog.Logger) autoscaler.Parts {
	parts := autoscaler.Parts{
		Target: workload.NewReader(api, *settings.ScaleTargetRef, settings.Namespace),
		Metric: stage.Metric{
			Stage: methods.metric, Mode: settings.RunMode, OwnMetrics: settings.PodMetrics == config.OwnPodMetrics,
			Concurrency: settings.Concurrency(), Timeout: settings.MetricTimeout.Duration(),
		},
		Evaluate: stage.Evaluate{Stage: methods.evaluate, Evaluator: methods.evaluator},
		Scale:    newScaler(settings, api, methods),
		Now:      now, Log: log,
	}
	if sources := newSources(settings, metricsapi.New(api), world); len(sources) > 0 {
		parts.Sources = sources
	}
	return parts
}

// newSources are all sources of metrics, in the order of the configuration. A world takes the place of what they would read; nil is for
// the real one.
func newSources(settings config.Config, reader kubernetes.Reader, world direct.World) metrics.Sources {
	sources := kubernetes.Sources(settings.KubernetesMetricSpecs, reader, kubernetes.StartUpRules{
		CPUInitializationPeriod: settings.CPUInitializationPeriod.Duration(),
		InitialReadinessDelay:   settings.InitialReadinessDelay.Duration(),
	})
	for _, source := range settings.MetricSources.Settings() {
		if world != nil {
			sources = append(sources, direct.Simulate(source, world))
			continue
		}
		sources = append(sources, direct.Open(source))
	}
	return sources
}

func newScaler(settings config.Config, api *kube.Client, methods methods) scale.Scaler {
	return scale.Scaler{API: api, Before: methods.scale.Before, After: methods.scale.After, Rules: rulesOf(settings)}
}

// newWatch follows the target's pods, of which user logic may be handed all there is, and metrics need little.
func newWatch(settings config.Config, api *kube.Client, log *slog.Logger) *workload.Watch {
	reader := workload.NewReader(api, *settings.ScaleTargetRef, settings.Namespace)
	return workload.NewWatch(reader, settings.RunMode == config.PerPod, kubernetes.Trim,
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
