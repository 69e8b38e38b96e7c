package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// WaitPodMetrics waits until metrics-server knows the usage of count pods of a selector,
// which takes up to 20 seconds after they are ready: it looks every ten, and needs to see
// a pod twice. Memory is then what the pod's annotation says, cpu within some percent.
func (c *Cluster) WaitPodMetrics(ctx context.Context, namespace, selector string, count int) error {
	path := fmt.Sprintf("/apis/metrics.k8s.io/v1beta1/namespaces/%s/pods?labelSelector=%s", namespace, url.QueryEscape(selector))
	err := poll(ctx, time.Second, func(ctx context.Context) error {
		return errors.Join(c.countUsage(ctx), c.listed(ctx, path, count))
	})
	if err != nil {
		return fmt.Errorf("waiting for the usage of %d pods: %w", count, err)
	}
	return nil
}

// countUsage makes kwok begin to count the cpu seconds of new pods, which it does when it is
// first asked for them. metrics-server leaves out a pod that has used none, so that without
// this its first look at a pod is lost.
func (c *Cluster) countUsage(ctx context.Context) error {
	for _, node := range nodeNames() {
		if _, err := c.get(ctx, "https://"+c.address("kwok")+usagePath(node)); err != nil {
			return err
		}
	}
	return nil
}

// listed says whether a list of kube-apiserver has at least count items.
func (c *Cluster) listed(ctx context.Context, path string, count int) error {
	answer, err := c.get(ctx, "https://"+c.address("kube-apiserver")+path)
	if err != nil {
		return err
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(answer, &list); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if len(list.Items) < count {
		return fmt.Errorf("%s lists %d of %d", path, len(list.Items), count)
	}
	return nil
}

// SetObjectMetric writes the custom metric of one object, with the labels that a selector
// finds it by. The resource is its plural name (pods, deployments.apps), the value a quantity
// (12, 250m).
func (c *Cluster) SetObjectMetric(ctx context.Context, namespace, resource, name, metric string, set map[string]string, value string) error {
	return c.write(ctx, path.Join("write-metrics", "namespaces", namespace, resource, name, metric), set, value)
}

// SetExternalMetric writes the value that an external metric has for a set of labels.
func (c *Cluster) SetExternalMetric(ctx context.Context, namespace, metric string, set map[string]string, value string) error {
	return c.write(ctx, path.Join("write-external-metrics", "namespaces", namespace, metric), set, value)
}

func (c *Cluster) write(ctx context.Context, path string, set map[string]string, value string) error {
	target := url.URL{Scheme: "http", Host: c.address("test-adapter-writes"), Path: path}
	target.RawQuery = url.Values{"labels": {labels.Set(set).String()}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(strconv.Quote(value)))
	if err != nil {
		return fmt.Errorf("writing the metric %s: %w", path, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if _, err := c.do(request); err != nil {
		return fmt.Errorf("writing the metric %s: %w", path, err)
	}
	return nil
}
