package host

import (
	"context"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/check"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
)

// Check looks at what the configuration needs of the cluster.
func Check(ctx context.Context, cluster Cluster, settings config.Config) ([]finding.Item, error) {
	api, _, err := cluster.Client(settings.RequestTimeout.Duration())
	if err != nil {
		return nil, err
	}
	return check.Cluster(ctx, api, settings, time.Now()), nil
}
