// Package app builds the program: every client, wired straight, from a configuration to an autoscaler that runs.
//
// It is the only room that builds clients; it decides nothing.
package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/custom-pod-autoscaler/autoscaler/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/internal/kubemetrics"
	"github.com/custom-pod-autoscaler/autoscaler/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/internal/scale"
	"github.com/custom-pod-autoscaler/autoscaler/internal/stage"
	"github.com/custom-pod-autoscaler/autoscaler/internal/target"
)

// Options are what the program is started with.
type Options struct {
	Config  config.Config
	Cluster Cluster
	Log     *slog.Logger
}

// App is the program, ready to run.
type App struct {
	autoscaler *autoscaler.Autoscaler
}

// New builds every part. Nothing is called yet: the cluster may come up after us.
func New(options Options) (*App, error) {
	settings := options.Config
	connection, err := options.Cluster.connect()
	if err != nil {
		return nil, err
	}
	api, err := kube.New(connection, settings.RequestTimeout.Duration())
	if err != nil {
		return nil, err
	}
	methods, err := newMethods(settings, options.Log)
	if err != nil {
		return nil, err
	}
	if err := method.AdoptOrphans(); err != nil {
		return nil, fmt.Errorf("becoming the parent of user logic's orphans: %w", err)
	}
	rules := decision.Rules{
		Min: settings.MinReplicas, Max: settings.MaxReplicas,
		StabilizationWindow: settings.DownscaleStabilization.Duration(),
	}
	parts := autoscaler.Parts{
		Target:   target.NewReader(api, *settings.ScaleTargetRef, settings.Namespace),
		Metric:   stage.Metric{Stage: methods.metric, Mode: settings.RunMode},
		Evaluate: stage.Evaluate{Stage: methods.evaluate, Propose: proposer(settings)},
		Scale:    scale.Scaler{API: api, Before: methods.scale.Before, After: methods.scale.After, Rules: rules},
	}
	if len(settings.KubernetesMetricSpecs) > 0 {
		parts.KubernetesMetrics = kubemetrics.NewGatherer(api, settings.KubernetesMetricSpecs, kubemetrics.StartUpRules{
			CPUInitializationPeriod: settings.CPUInitializationPeriod.Duration(),
			InitialReadinessDelay:   settings.InitialReadinessDelay.Duration(),
		})
	}
	return &App{autoscaler.New(parts, autoscaler.Settings{
		Rules:                    rules,
		NeedsPods:                settings.RunMode == config.PerPod || len(settings.KubernetesMetricSpecs) > 0,
		RequireKubernetesMetrics: settings.RequireKubernetesMetrics,
		Interval:                 settings.Interval.Duration(),
		StartTime:                settings.StartTime.Duration(),
	}, options.Log)}, nil
}

// Run runs the autoscaler until ctx is done; a method that is running then ends within its own timeout.
func (a *App) Run(ctx context.Context) { a.autoscaler.Run(ctx) }
