package simulation

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	custommetrics "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalmetrics "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

var (
	metricsVersion  = metricsv1beta1.SchemeGroupVersion
	customVersion   = custommetrics.SchemeGroupVersion
	externalVersion = externalmetrics.SchemeGroupVersion
)

// tellers are what custom and external metrics may tell of the world.
var tellers = map[string]func(*World) float64{
	"load":        func(w *World) float64 { return w.load(w.now) },
	"served":      func(w *World) float64 { return w.served / step.Seconds() },
	"backlog":     func(w *World) float64 { return w.backlog },
	"utilization": func(w *World) float64 { return w.utilization() },
}

func seriesNames() string { return strings.Join(slices.Sorted(maps.Keys(tellers)), ", ") }

// podMetrics are what metrics-server has: the pods that ran when they were last measured, and are still there.
func (c *Cluster) podMetrics() metricsv1beta1.PodMetricsList {
	list := metricsv1beta1.PodMetricsList{TypeMeta: metav1.TypeMeta{APIVersion: metricsVersion.String(), Kind: "PodMetricsList"}, Items: []metricsv1beta1.PodMetrics{}}
	known, _ := c.World.measured()
	pods := c.World.settings.Pods
	for _, p := range c.World.pods {
		part, measured := known.used[p.name]
		if !measured {
			continue
		}
		list.Items = append(list.Items, metricsv1beta1.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: c.Namespace, Labels: c.labels()},
			Timestamp:  metav1.NewTime(c.World.at(known.at)), Window: c.World.settings.Metrics.Resolution,
			Containers: []metricsv1beta1.ContainerMetrics{{Name: container, Usage: corev1.ResourceList{
				corev1.ResourceCPU: quantity(pods.CPU.at(part)), corev1.ResourceMemory: quantity(pods.Memory.at(part)),
			}}},
		})
	}
	return list
}

// custom are those of each pod, which are parts of the whole, or of the target or its namespace.
func (c *Cluster) custom(objects, name, metric string) (any, error) {
	tell, err := c.teller(metric)
	if err != nil {
		return nil, err
	}
	list := custommetrics.MetricValueList{TypeMeta: metav1.TypeMeta{APIVersion: customVersion.String(), Kind: "MetricValueList"}}
	value := func(kind, name string, amount float64) custommetrics.MetricValue {
		return custommetrics.MetricValue{
			DescribedObject: corev1.ObjectReference{Kind: kind, Namespace: c.Namespace, Name: name},
			Metric:          custommetrics.MetricIdentifier{Name: metric}, Timestamp: metav1.NewTime(c.World.Now()), Value: quantity(amount),
		}
	}
	if objects != "pods" {
		list.Items = append(list.Items, value(c.Target.Kind, name, tell(c.World)))
		return list, nil
	}
	share := tell(c.World)
	if c.World.settings.Metrics.Values[metric] != "utilization" { // which is each pod's own
		share /= float64(c.World.ready())
	}
	for _, p := range c.World.pods {
		if c.World.isReady(p) {
			list.Items = append(list.Items, value("Pod", p.name, share))
		}
	}
	return list, nil
}

// external is asked for by the resource that a metric is, which clients write in lower case.
func (c *Cluster) external(metric string) (any, error) {
	for name := range c.World.settings.Metrics.Values {
		if strings.EqualFold(name, metric) {
			metric = name
		}
	}
	tell, err := c.teller(metric)
	if err != nil {
		return nil, err
	}
	return externalmetrics.ExternalMetricValueList{
		TypeMeta: metav1.TypeMeta{APIVersion: externalVersion.String(), Kind: "ExternalMetricValueList"},
		Items:    []externalmetrics.ExternalMetricValue{{MetricName: metric, Timestamp: metav1.NewTime(c.World.Now()), Value: quantity(tell(c.World))}},
	}, nil
}

// Value is that of a metric that is no Kubernetes metric.
func (c *Cluster) Value(metric string) (float64, error) {
	tell, err := c.teller(metric)
	if err != nil {
		return 0, err
	}
	return tell(c.World), nil
}

func (c *Cluster) teller(metric string) (func(*World) float64, error) {
	series, known := c.World.settings.Metrics.Values[metric]
	if !known {
		return nil, notFound("the simulation has no metric %q: say what it tells by metrics.values, as one of %s", metric, seriesNames())
	}
	return tellers[series], nil
}
