package app

import (
	"context"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/check"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
)

// Check looks at what the configuration needs of the cluster.
func Check(ctx context.Context, options Options) ([]finding.Item, error) {
	api, _, err := options.Cluster.Client(options.Config.RequestTimeout.Duration())
	if err != nil {
		return nil, err
	}
	return check.Cluster(ctx, api, options.Config, time.Now()), nil
}
