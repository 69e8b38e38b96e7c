package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/emicklei/go-restful/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	api "k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider/defaults"
)

// externalMetrics holds the external metrics of all namespaces. A metric may have many
// values, told apart by their labels; writing the same labels again replaces the value.
type externalMetrics struct {
	defaults.DefaultExternalMetricsProvider

	mu     sync.RWMutex
	values map[externalKey]externalValue
}

// externalKey names one value; labels are in their sorted text form (a=1,b=2).
type externalKey struct{ namespace, metric, labels string }

type externalValue struct {
	labels    labels.Set
	value     resource.Quantity
	timestamp metav1.Time
}

// GetExternalMetric gives every value of a metric whose labels match. A metric that was
// never written has none, which is an empty list and not an error.
func (e *externalMetrics) GetExternalMetric(_ context.Context, namespace string, selector labels.Selector, info provider.ExternalMetricInfo) (*api.ExternalMetricValueList, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	list := &api.ExternalMetricValueList{Items: []api.ExternalMetricValue{}}
	for key, v := range e.values {
		if key.namespace == namespace && key.metric == info.Metric && selector.Matches(v.labels) {
			list.Items = append(list.Items, api.ExternalMetricValue{
				MetricName: info.Metric, MetricLabels: v.labels, Timestamp: v.timestamp, Value: v.value,
			})
		}
	}
	return list, nil
}

func (e *externalMetrics) webService() *restful.WebService {
	ws := new(restful.WebService)
	ws.Path("/write-external-metrics")
	ws.Route(ws.POST("/namespaces/{namespace}/{metric}").To(e.write))
	return ws
}

// write stores the body, a quantity in JSON ("250m"), under the labels of the query (?labels=a=1,b=2).
func (e *externalMetrics) write(request *restful.Request, response *restful.Response) {
	var value resource.Quantity
	if err := request.ReadEntity(&value); err != nil {
		_ = response.WriteErrorString(http.StatusBadRequest, "reading the value: "+err.Error())
		return
	}
	set, err := labels.ConvertSelectorToLabelsMap(request.QueryParameter("labels"))
	if err != nil {
		_ = response.WriteErrorString(http.StatusBadRequest, "reading the labels: "+err.Error())
		return
	}
	key := externalKey{request.PathParameter("namespace"), request.PathParameter("metric"), set.String()}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.values[key] = externalValue{labels: set, value: value, timestamp: metav1.Now()}
}
