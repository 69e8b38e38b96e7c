package unit

import (
	"log/slog"
	"time"

	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/autoscaler"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/direct"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
)

// Pipeline is an autoscaler that makes the passes that it is asked for.
type Pipeline struct {
	*autoscaler.Autoscaler
	Close func() // ends what methods keep from run to run
}

// Place is where a pipeline runs.
type Place struct {
	Connection *rest.Config
	World      direct.World // of a simulation; nil for the real one
	Now        func() time.Time
}

// NewPipeline builds the pipeline alone, for who asks for each pass: nothing is
// served, and nothing is told of a pass but to who asked for it. Each run of a method is told to ran.
// The secrets are values that are known to be credentials: no pass has them in an error.
func NewPipeline(settings config.Config, place Place, log *slog.Logger, ran func(method.Run), secrets ...string) (*Pipeline, error) {
	api, err := kube.New(place.Connection, settings.RequestTimeout.Duration())
	if err != nil {
		return nil, err
	}
	methods, err := newMethods(settings, log, ran, secrets)
	if err != nil {
		return nil, err
	}
	parts := newParts(settings, api, methods, place.World, place.Now, log)
	parts.Tracer, parts.Mask = telemetry.NoTracing().Tracer, secret.New(secrets...).Mask
	return &Pipeline{autoscaler.New(parts, settingsOf(settings)), methods.close}, nil
}
