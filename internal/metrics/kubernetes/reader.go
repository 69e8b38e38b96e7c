package kubernetes

import (
	"context"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	custommetricsv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalmetricsv1beta1 "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
)

// Reader reads the metrics APIs for the target of a scene. It returns one value at least, or an error.
type Reader interface {
	PodMetrics(context.Context, *metrics.Scene) ([]metricsv1beta1.PodMetrics, error)
	Custom(context.Context, *metrics.Scene, Custom) ([]custommetricsv1beta2.MetricValue, error)
	External(context.Context, *metrics.Scene, External) ([]externalmetricsv1beta1.ExternalMetricValue, error)
}

// Query is what a Reader is asked for: PodMetrics, Custom or External.
type Query any

// PodMetrics are what the target's pods use.
type PodMetrics struct{}

// Custom is a metric of the target's pods or of an object.
type Custom struct {
	Object   *autoscalingv2.CrossVersionObjectReference // nil for the pods
	Metric   string
	Selector string // of the metric's series
}

// External is a metric of something outside of the cluster.
type External struct{ Metric, Selector string }

// QueryOf returns what gathering the metric of a spec asks for, or nil where the spec is of no type that is known.
func QueryOf(of spec) (Query, error) {
	t, known := typeOf(&of)
	if !known {
		return nil, nil
	}
	return t.query(&of)
}

// gathering is how the metrics of a pass are gathered.
type gathering struct {
	scene  *metrics.Scene
	reader Reader
	rules  StartUpRules
}

// podMetrics reads what the target's pods use, once for all specs.
func (g gathering) podMetrics(ctx context.Context) ([]metricsv1beta1.PodMetrics, error) {
	return metrics.Once(g.scene, "pod metrics", func() ([]metricsv1beta1.PodMetrics, error) { return g.reader.PodMetrics(ctx, g.scene) })
}

// custom reads a custom metric, once for all specs that ask for the same.
func (g gathering) custom(ctx context.Context, query Custom) ([]custommetricsv1beta2.MetricValue, error) {
	key := fmt.Sprintf("custom metric %q %q", query.Metric, query.Selector)
	if query.Object != nil {
		key += fmt.Sprintf(" of %q", *query.Object)
	}
	return metrics.Once(g.scene, key, func() ([]custommetricsv1beta2.MetricValue, error) { return g.reader.Custom(ctx, g.scene, query) })
}

// external reads an external metric, once for all specs that ask for the same.
func (g gathering) external(ctx context.Context, query External) ([]externalmetricsv1beta1.ExternalMetricValue, error) {
	return metrics.Once(g.scene, fmt.Sprintf("external metric %q", query), func() ([]externalmetricsv1beta1.ExternalMetricValue, error) {
		return g.reader.External(ctx, g.scene, query)
	})
}

// selects writes a metric's own selector as a parameter; a metric without one has every series.
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
