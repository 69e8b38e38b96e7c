package harness

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// MetricSpecs is the configuration of these kubernetesMetricSpecs.
func MetricSpecs(lines ...string) string {
	return "\nkubernetesMetricSpecs:\n  - " + strings.Join(lines, "\n  - ") + "\n"
}

// PodHits is a spec of the metric hits of the pods.
const PodHits = "{type: Pods, pods: {metric: {name: hits}, target: {type: AverageValue}}}"

// Hits is a spec of the metric hits of an object.
func Hits(apiVersion, kind, name, target string) string {
	return fmt.Sprintf("{type: Object, object: {describedObject: {apiVersion: %s, kind: %s, name: %s}, metric: {name: hits}, target: {type: %s}}}", apiVersion, kind, name, target)
}

// Jobs is a spec of the external metric jobs.
func Jobs(selector, target string) string {
	return fmt.Sprintf("{type: External, external: {metric: {name: jobs, selector: %s}, target: {type: %s}}}", selector, target)
}

// SetObjectMetric makes the adapter of custom metrics tell a metric of an object.
func SetObjectMetric(t *testing.T, namespace, resource, name, metric, value string) {
	t.Helper()
	SetLabelledMetric(t, namespace, resource, name, metric, nil, value)
}

// SetLabelledMetric is SetObjectMetric of a series with labels.
func SetLabelledMetric(t *testing.T, namespace, resource, name, metric string, set labels.Set, value string) {
	t.Helper()
	if err := cluster.Start(t).SetObjectMetric(t.Context(), namespace, resource, name, metric, set, value); err != nil {
		t.Fatal(err)
	}
}

// SetExternalMetric makes the adapter of external metrics tell a series of a metric.
func SetExternalMetric(t *testing.T, namespace, metric string, set labels.Set, value string) {
	t.Helper()
	if err := cluster.Start(t).SetExternalMetric(t.Context(), namespace, metric, set, value); err != nil {
		t.Fatal(err)
	}
}

// Sources are the Kubernetes metrics that the metric method was last given, as JSON: entries without their spec, replicas and times.
func (p *Program) Sources() []string {
	p.Helper()
	text := p.Read("metric.json")
	if text == "" {
		return nil
	}
	var sources []string
	entries, _ := DecodeJSON(p.T, text)["kubernetesMetrics"].([]any) // not there where nothing was gathered
	for _, entry := range entries {
		source := entry.(map[string]any)
		delete(source, "spec")
		delete(source, "current_replicas")
		sources = append(sources, InJSON(timeless(source)))
	}
	return sources
}

// timeless removes times, and rounds what is simulated: cpu, which a pod has less than 1000 of, to hundreds.
func timeless(object map[string]any) map[string]any {
	maps.DeleteFunc(object, func(key string, _ any) bool { return strings.EqualFold(key, "timestamp") || key == "Window" })
	for key, value := range object {
		switch value := value.(type) {
		case map[string]any:
			timeless(value)
		case float64:
			if key == "Value" && value < 1000 {
				object[key] = math.Round(value/100) * 100
			}
		}
	}
	return object
}

// PodsAreMeasured waits until metrics-server knows so many of the pods of an app.
func PodsAreMeasured(t *testing.T, namespace, app string, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	if err := cluster.Start(t).WaitPodMetrics(ctx, namespace, "app="+app, count); err != nil {
		t.Fatal(err)
	}
}

// RequiredCPU is the configuration of an autoscaler that cannot do without the cpu of its pods.
const RequiredCPU = `
requireKubernetesMetrics: true
kubernetesMetricSpecs:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization}}}
`
