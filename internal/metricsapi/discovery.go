package metricsapi

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// metricsAPI is a group that serves metrics, the versions of it that we know, and who serves it.
type metricsAPI struct {
	group    string
	versions []string
	server   string
}

var (
	resourceAPI = metricsAPI{rights.PodMetrics.Group, []string{"v1beta1"}, "metrics-server"}
	customAPI   = metricsAPI{rights.CustomMetric.Group, []string{"v1beta2", "v1beta1"}, "an adapter for custom metrics, such as prometheus-adapter"}
	externalAPI = metricsAPI{rights.ExternalMetric.Group, []string{"v1beta1"}, "an adapter for external metrics, such as KEDA's"}
)

// rediscover is how long an answer about what the API serves is believed. A better version that is served besides is
// noticed that soon; one that is new or gone at once, since only what is there is remembered, and forgotten when it is not.
const rediscover = time.Minute

// discovery asks the API what it serves, and remembers the answers for a while.
type discovery struct {
	api *kube.Client

	mutex sync.Mutex
	known map[any]answer
}

type answer struct {
	at    time.Time
	value any
}

// recall gives what is remembered under the key, or asks. One slow answer does not keep others waiting for theirs.
func recall[K comparable, V any](d *discovery, now time.Time, key K, ask func() (V, error)) (V, error) {
	d.mutex.Lock()
	found, ok := d.known[key]
	d.mutex.Unlock()
	if ok && now.Sub(found.at) < rediscover {
		return found.value.(V), nil
	}
	value, err := ask()
	if err == nil {
		d.mutex.Lock()
		d.known[key] = answer{now, value}
		d.mutex.Unlock()
	}
	return value, err
}

func (d *discovery) forget(key any) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	delete(d.known, key)
}

// version is the version of a metrics API to use.
func (d *discovery) version(ctx context.Context, now time.Time, api metricsAPI) (schema.GroupVersion, error) {
	return recall(d, now, api.group, func() (schema.GroupVersion, error) {
		served, err := d.api.Versions(ctx, api.group)
		if apierrors.IsNotFound(err) {
			return schema.GroupVersion{}, &fault.Fault{Err: fmt.Errorf("the API does not serve %s", api.group), Hint: fmt.Sprintf("is %s installed?", api.server)}
		}
		if err != nil {
			return schema.GroupVersion{}, err
		}
		for _, version := range api.versions {
			if slices.ContainsFunc(served, func(s metav1.GroupVersionForDiscovery) bool { return s.Version == version }) {
				return schema.GroupVersion{Group: api.group, Version: version}, nil
			}
		}
		return schema.GroupVersion{}, fmt.Errorf("the API serves %s in no version that this autoscaler knows: %s", api.group, strings.Join(api.versions, ", "))
	})
}

// kind is how the API serves a kind.
func (d *discovery) kind(ctx context.Context, now time.Time, kind schema.GroupVersionKind) (workload.Kind, error) {
	return recall(d, now, kind, func() (workload.Kind, error) { return workload.FindKind(ctx, d.api, kind) })
}

// inVersion reads from a metrics API in the version that it is served in. Where nothing is found, the API may have gone
// since it was last asked, or be served in another version.
func inVersion[T any](ctx context.Context, c *Client, scene *metrics.Scene, api metricsAPI, read func(schema.GroupVersion) (T, error)) (T, error) {
	version, err := c.version(ctx, scene, api, "first")
	if err != nil {
		return *new(T), err
	}
	values, notFound := read(version)
	if !apierrors.IsNotFound(notFound) {
		return values, notFound
	}
	c.discovery.forget(api.group)
	newer, err := c.version(ctx, scene, api, "again")
	switch {
	case err != nil:
		return *new(T), err
	case newer == version:
		return *new(T), &fault.Fault{Err: notFound, Hint: unknownMetric(version)}
	}
	return read(newer)
}

// version is asked for once by all reads of a pass, and once again by those that did not find their metric.
func (c *Client) version(ctx context.Context, scene *metrics.Scene, api metricsAPI, time string) (schema.GroupVersion, error) {
	return metrics.Once(scene, api.group+" "+time, func() (schema.GroupVersion, error) { return c.discovery.version(ctx, scene.Now, api) })
}

// unknownMetric is the way out for a metric that is not there.
func unknownMetric(version schema.GroupVersion) string {
	return fmt.Sprintf("does the adapter know this metric, and has it a value with these labels? (kubectl get --raw /apis/%s)", version)
}
