package host

import (
	"context"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/unit"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Once makes a single pass with the pipeline alone, and tells ran of each method that was run. Nobody else is told of it:
// it takes no lease, writes neither status nor events, and opens no port.
func Once(ctx context.Context, cluster Cluster, settings Settings, runType userlogic.RunType, ran func(method.Run)) (pass.Pass, error) {
	connection, err := cluster.connect()
	if err != nil {
		return pass.Pass{}, err
	}
	if err := adoptOrphans(); err != nil {
		return pass.Pass{}, err
	}
	pipeline, err := unit.NewPipeline(settings.Config, unit.Place{Connection: connection, Now: time.Now}, settings.Log, ran, settings.Secrets...)
	if err != nil {
		return pass.Pass{}, err
	}
	defer pipeline.Close()
	return pipeline.RunOnce(ctx, nil, runType)
}
