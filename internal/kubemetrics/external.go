package kubemetrics

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	externalmetricsv1beta1 "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// external gathers the sum of a metric that is of nothing in the cluster, from external.metrics.k8s.io.
func (p *pass) external(ctx context.Context, metric *userlogic.KubernetesMetric) error {
	source := metric.Spec.External
	selector, err := selects(source.Metric.Selector)
	if err != nil {
		return err
	}
	read, err := p.readExternal(ctx, p.externalPath(source.Metric.Name), selector)
	if err != nil {
		return err
	}
	var sum int64
	for _, value := range read {
		sum = add(sum, milli(value.Value))
	}
	metric.External, err = p.single(source.Target.Type, sum, read[0].Timestamp)
	return err
}

// externalPath is where the external metrics API has a metric: each is a resource of its own. Clients of Kubernetes write resources in
// lower case, so that this is how adapters know the names, and how rules have to name them.
func (p *pass) externalPath(metric string) kube.Path {
	return kube.Path{Namespace: p.snapshot.Namespace, Resource: strings.ToLower(metric)}
}

func (p *pass) readExternal(ctx context.Context, path kube.Path, selector string) ([]externalmetricsv1beta1.ExternalMetricValue, error) {
	return inVersion(ctx, p, externalAPI, func(version schema.GroupVersion) ([]externalmetricsv1beta1.ExternalMetricValue, error) {
		path.Version = version
		return once(&p.reads, fmt.Sprint(version, path, selector), func() ([]externalmetricsv1beta1.ExternalMetricValue, error) {
			var list externalmetricsv1beta1.ExternalMetricValueList
			err := p.api.ListJSON(ctx, path, kube.Query{"labelSelector": selector}, &list)
			if err == nil && len(list.Items) == 0 {
				return nil, notYetError{fmt.Errorf("%s has no values of %q with the labels %q: %s", version, path.Resource, selector, unknownMetric(version))}
			}
			return list.Items, err
		})
	})
}
