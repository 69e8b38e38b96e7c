package cli

import (
	"context"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/host"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// frugal is how much of a heap may be garbage, in percent of what is used: the program runs beside every workload, and has a
// lot of time between passes. GOGC says otherwise where it is set.
const frugal = 30

// run runs one autoscaler until ctx is done.
func run(ctx context.Context, program Program, file string, cluster host.Cluster) error {
	if !slices.ContainsFunc(program.Environment, func(v string) bool { return strings.HasPrefix(v, "GOGC=") }) {
		debug.SetGCPercent(frugal)
	}
	settings, tracing, err := settingsOf(program, file)
	if err != nil {
		return err
	}
	built, _ := version.Built()
	process, err := host.New(ctx, host.Options{
		Cluster: cluster, Tracing: tracing, Version: built, Log: settings.Log, RequestTimeout: settings.Config.RequestTimeout.Duration(),
	})
	if err != nil {
		return err
	}
	err = process.RunOne(ctx, settings)
	process.Close(ctx)
	if err != nil {
		return err
	}
	settings.Log.Info("stopped")
	return nil
}

// settingsOf loads the configuration, and starts the log that it asks for. It gives the protocol, too, that traces are sent by.
func settingsOf(program Program, file string) (settings host.Settings, tracing string, err error) {
	loaded, err := config.Load(file, program.Environment)
	log := telemetry.NewLogger(program.Stderr, loaded.Config.LogLevel(), loaded.Config.LogFormat == config.LogJSON, secret.New(loaded.Secrets()...).Mask)
	for _, warning := range loaded.Warnings { // also about a wrong configuration: a typo explains what is missing
		log.Warn("configuration", "warning", warning)
	}
	if err != nil {
		return host.Settings{}, "", commandline.UsageError{Err: err}
	}
	return host.Settings{Config: loaded.Config, Secrets: loaded.Secrets(), Log: log}, loaded.Tracing, nil
}
