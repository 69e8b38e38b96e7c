package cli

import (
	"context"

	"github.com/custom-pod-autoscaler/autoscaler/internal/app"
	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/telemetry"
)

// run runs one autoscaler until ctx is done.
func run(ctx context.Context, program Program, file string, cluster app.Cluster) error {
	loaded, err := config.Load(file, program.Environment)
	log := telemetry.NewLogger(program.Stderr, loaded.Config.LogLevel(), loaded.Config.LogFormat == config.LogJSON)
	for _, warning := range loaded.Warnings { // also about a wrong configuration: a typo explains what is missing
		log.Warn("configuration", "warning", warning)
	}
	if err != nil {
		return usageError{err}
	}
	version, _ := built()
	autoscaler, err := app.New(ctx, app.Options{Config: loaded.Config, Cluster: cluster, Tracing: loaded.Tracing, Version: version, Log: log})
	if err != nil {
		return err
	}
	if err := autoscaler.Run(ctx); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}
