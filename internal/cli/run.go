package cli

import (
	"context"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/app"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// frugal is how much of a heap may be garbage, in percent of what is used: the program runs beside every workload, and has a
// lot of time between passes. GOGC says otherwise where it is set.
const frugal = 30

// run runs one autoscaler until ctx is done.
func run(ctx context.Context, program Program, file string, cluster app.Cluster) error {
	if !slices.ContainsFunc(program.Environment, func(v string) bool { return strings.HasPrefix(v, "GOGC=") }) {
		debug.SetGCPercent(frugal)
	}
	options, err := load(program, file, cluster)
	if err != nil {
		return err
	}
	autoscaler, err := app.New(ctx, options)
	if err != nil {
		return err
	}
	if err := autoscaler.Run(ctx); err != nil {
		return err
	}
	options.Log.Info("stopped")
	return nil
}

// load loads the configuration, and starts the log that it asks for.
func load(program Program, file string, cluster app.Cluster) (app.Options, error) {
	loaded, err := config.Load(file, program.Environment)
	log := telemetry.NewLogger(program.Stderr, loaded.Config.LogLevel(), loaded.Config.LogFormat == config.LogJSON, secret.New(loaded.Secrets()...).Mask)
	for _, warning := range loaded.Warnings { // also about a wrong configuration: a typo explains what is missing
		log.Warn("configuration", "warning", warning)
	}
	if err != nil {
		return app.Options{}, commandline.UsageError{Err: err}
	}
	built, _ := version.Built()
	return app.Options{Config: loaded.Config, Cluster: cluster, Tracing: loaded.Tracing, Secrets: loaded.Secrets(), Version: built, Log: log}, nil
}
