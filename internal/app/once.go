package app

import (
	"context"
	"fmt"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Once makes a single pass with the pipeline alone, and tells ran of each method that was run. Nobody else is told of it:
// it takes no lease, writes neither status nor events, and opens no port.
func Once(ctx context.Context, options Options, runType userlogic.RunType, ran func(method.Run)) (pass.Pass, error) {
	connection, err := options.Cluster.connect()
	if err != nil {
		return pass.Pass{}, err
	}
	if err := process.AdoptOrphans(); err != nil {
		return pass.Pass{}, fmt.Errorf("becoming the parent of user logic's orphans: %w", err)
	}
	pipeline, err := NewPipeline(options.Config, connection, time.Now, options.Log, ran, options.Secrets...)
	if err != nil {
		return pass.Pass{}, err
	}
	defer pipeline.Close()
	return pipeline.RunOnce(ctx, nil, runType)
}
