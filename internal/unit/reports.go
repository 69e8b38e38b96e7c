package unit

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/lease"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/report"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
)

// Reports are all who are told of passes.
type Reports struct {
	Record  *report.Record
	Health  *report.Health
	Metrics *telemetry.Metrics

	settings config.Config
	log      *report.Log
	series   *report.Series
}

func newReports(options Options) Reports {
	settings := options.Config
	ref := settings.ScaleTargetRef
	health := report.NewHealth(time.Now, settings.StartTime.Duration()+settings.Interval.Duration(), longestSilence(settings))
	metrics := report.NewMetrics(config.RunTypes(), health.SinceSuccess, options.Labels)
	metrics.Info.WithLabelValues(options.Version, ref.Kind, settings.Namespace, ref.Name).Set(1)
	return Reports{
		settings: settings,
		log:      &report.Log{To: options.Log},
		Record:   report.NewRecord(settings.APIConfig.Decisions, ref.Kind+" "+settings.Namespace+"/"+ref.Name),
		Health:   health,
		Metrics:  metrics,
		series:   report.NewSeries(metrics, rulesOf(settings), methodTypes(settings), newSources(settings, nil, nil).IDs()),
	}
}

// watchers are told of passes. The status is nil where there is no object to have one.
func (r Reports) watchers(event func(about corev1.ObjectReference, kind, reason, message string), status *report.Status) []autoscaler.Watcher {
	ref := r.settings.ScaleTargetRef
	events := &report.Events{Write: event, Target: corev1.ObjectReference{
		APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: r.settings.Namespace, Name: ref.Name,
	}}
	if owner := r.settings.CustomPodAutoscaler; owner != nil {
		events.Owner = &corev1.ObjectReference{
			APIVersion: cpav1.GroupVersion.String(), Kind: cpav1.Kind,
			Namespace: r.settings.Namespace, Name: owner.Name, UID: types.UID(owner.UID),
		}
	}
	watchers := []autoscaler.Watcher{r.log.Pass, r.Record.Pass, r.Health.Pass, r.series.Pass, events.Pass}
	if status != nil {
		watchers = append(watchers, status.Pass)
	}
	return watchers
}

// longestSilence is how long the loop may go without ending a pass: three intervals, and a pass of its own in which every
// method takes its whole timeout, and a call to Kubernetes ends it. It may have to wait for such a pass of a caller first.
func longestSilence(settings config.Config) time.Duration {
	pass := settings.RequestTimeout.Duration()
	for name, method := range settings.Methods() {
		if name == "metric" {
			pass += longestMetric(settings)
			continue
		}
		pass += method.Settings(name).Longest()
	}
	if settings.CustomPodAutoscaler != nil && settings.LeaderElection {
		pass += lease.LongestConfirm
	}
	if settings.APIConfig.Enabled {
		pass *= 2
	}
	return 3*settings.Interval.Duration() + pass
}

// longestMetric is how long the runs of metric may take, some at a time.
func longestMetric(settings config.Config) time.Duration {
	longest := settings.Metric.Timeout.Duration()
	if settings.RunMode == config.PerPod {
		concurrency := time.Duration(settings.Concurrency())
		longest *= max(1, (time.Duration(settings.MaxReplicas)+concurrency-1)/concurrency)
	}
	longest += settings.Metric.Settings("metric").Starting()
	if together := settings.MetricTimeout.Duration(); together > 0 {
		return min(longest, together)
	}
	return longest
}

// methodTypes are the types of the methods that run user code, by their names.
func methodTypes(settings config.Config) map[string]string {
	types := map[string]string{}
	for name, method := range settings.Methods() {
		if method.Runs() {
			types[name] = method.Type
		}
	}
	return types
}

func rulesOf(settings config.Config) decision.Rules {
	return decision.Rules{
		Min: settings.MinReplicas, Max: settings.MaxReplicas,
		StabilizationWindow: settings.DownscaleStabilization.Duration(),
	}
}
