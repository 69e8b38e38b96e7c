package unit

import (
	"context"
	"log/slog"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/recording"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

func newRecorder(settings config.Config, log *slog.Logger) *recording.Recorder {
	record := settings.Record
	return recording.NewRecorder(record.Path, record.MaxSize.Value(), settings.RunMode == config.PerPod, telemetry.WarnOnce(log, "recording a pass failed; scaling goes on"))
}

// Replay is a pipeline behind a tape.
type Replay struct {
	*recording.Replay
	Close func() // ends what methods keep from run to run
}

// NewReplay builds the pipeline of a configuration behind a tape in place of the cluster. It scales nothing, so that the hooks
// about that do not run, either.
func NewReplay(settings config.Config, log *slog.Logger, secrets ...string) (*Replay, error) {
	methods, err := newMethods(settings, log, func(method.Run) {}, secrets)
	if err != nil {
		return nil, err
	}
	tape := &recording.Tape{Sources: newSources(settings, nil, nil), PerPod: settings.RunMode == config.PerPod}
	parts := newParts(settings, nil, methods, nil, tape.Now, log)
	parts.Target, parts.Scale, parts.Tracer = tape, tape, telemetry.NoTracing().Tracer
	parts.Mask = secret.New(secrets...).Mask
	if parts.Sources != nil {
		parts.Sources = tape
	}
	pipeline := autoscaler.New(parts, settingsOf(settings))
	replay := &recording.Replay{
		Tape: tape, Begin: pipeline.Restore, Window: rulesOf(settings).StabilizationWindow,
		Pass: func(ctx context.Context, runType userlogic.RunType) pass.Pass {
			pass, _ := pipeline.RunOnce(ctx, nil, runType) // a failure is in the pass
			return pass
		},
	}
	return &Replay{replay, methods.close}, nil
}
