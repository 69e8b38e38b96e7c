package kubemetrics

import (
	"context"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

func describeContainerResource(spec autoscalingv2.MetricSpec) string {
	return fmt.Sprintf("%s of container %q", spec.ContainerResource.Name, spec.ContainerResource.Container)
}

// containerResource gathers what one container of each pod uses of a resource, from metrics.k8s.io.
func (p *pass) containerResource(ctx context.Context, metric *userlogic.KubernetesMetric) (err error) {
	source := metric.Spec.ContainerResource
	metric.ContainerResource, err = p.used(ctx, source.Name, source.Container, source.Target.Type)
	return err
}
