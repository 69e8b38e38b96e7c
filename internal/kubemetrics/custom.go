package kubemetrics

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	custommetricsv1beta1 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta1"
	custommetricsv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// readCustom reads a custom metric, once for all specs that ask for the same.
func (p *pass) readCustom(ctx context.Context, path kube.Path, query kube.Query) ([]custommetricsv1beta2.MetricValue, error) {
	return inVersion(ctx, p, customAPI, func(version schema.GroupVersion) ([]custommetricsv1beta2.MetricValue, error) {
		path.Version = version
		return once(&p.reads, fmt.Sprint(version, path, query), func() ([]custommetricsv1beta2.MetricValue, error) {
			values, err := listCustom(ctx, p.api, path, query)
			if err == nil && len(values) == 0 {
				return nil, notYetError{fmt.Errorf("%s has no values of %s: %s", version, path, unknownMetric(version))}
			}
			return values, err
		})
	})
}

// listCustom reads either version of the API; the older names the metric in another place, which we do not look at.
func listCustom(ctx context.Context, api *kube.Client, path kube.Path, query kube.Query) ([]custommetricsv1beta2.MetricValue, error) {
	if path.Version == custommetricsv1beta2.SchemeGroupVersion {
		var list custommetricsv1beta2.MetricValueList
		err := api.ListJSON(ctx, path, query, &list)
		return list.Items, err
	}
	var list custommetricsv1beta1.MetricValueList
	err := api.ListJSON(ctx, path, query, &list)
	values := make([]custommetricsv1beta2.MetricValue, len(list.Items))
	for i, old := range list.Items {
		values[i] = custommetricsv1beta2.MetricValue{
			DescribedObject: old.DescribedObject, Timestamp: old.Timestamp, WindowSeconds: old.WindowSeconds, Value: old.Value,
		}
	}
	return values, err
}

// selects gives the parameter of a metric's own selector; a metric without one has every series.
func selects(selector *metav1.LabelSelector) (string, error) {
	if selector == nil {
		return labels.Everything().String(), nil
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return "", fmt.Errorf("reading the metric's selector: %w", err)
	}
	return parsed.String(), nil
}
