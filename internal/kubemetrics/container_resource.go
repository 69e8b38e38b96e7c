package kubemetrics

import (
	"context"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// containerResource gathers what one container of each pod uses of a resource, from metrics.k8s.io.
func (p *pass) containerResource(ctx context.Context, metric *userlogic.KubernetesMetric) (err error) {
	source := metric.Spec.ContainerResource
	metric.ContainerResource, err = p.used(ctx, source.Name, source.Container, source.Target.Type)
	return err
}
