package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// longestAnswer is far more than the usage of thousands of pods.
const longestAnswer = 64 << 20

// check says whether something is ready: nil, or why not.
type check = func(context.Context, *Cluster) error

func all(checks ...check) check {
	return func(ctx context.Context, c *Cluster) error {
		for _, check := range checks {
			if err := check(ctx, c); err != nil {
				return err
			}
		}
		return nil
	}
}

// answers says whether a component answers 200 on its own port.
func answers(name, path string) check {
	return func(ctx context.Context, c *Cluster) error {
		_, err := c.get(ctx, "https://"+c.address(name)+path)
		return err
	}
}

func serviceAccountExists(namespace string) check {
	return func(ctx context.Context, c *Cluster) error {
		_, err := c.client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err
	}
}

func (c *Cluster) nodesReady(ctx context.Context) error {
	list, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	ready := 0
	for _, node := range list.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	if all := len(nodeNames()); ready < all {
		return fmt.Errorf("%d of %d nodes are ready", ready, all)
	}
	return nil
}

// forwarded says whether kube-apiserver forwards every API of an aggregated server to it.
func forwarded(name string) check {
	return func(ctx context.Context, c *Cluster) error {
		for _, served := range aggregated[name] {
			if err := answers("kube-apiserver", served.path())(ctx, c); err != nil {
				// kube-apiserver asks a server that was away less and less often, up to half a
				// minute. A changed APIService is asked at once.
				return errors.Join(err, c.touch(ctx, served))
			}
		}
		return nil
	}
}

// get is for addresses of the cluster only: it comes as the administrator.
func (c *Cluster) get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return c.do(request)
}

func (c *Cluster) do(request *http.Request) ([]byte, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", request.URL, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s: %s", request.URL, response.Status, body)
	}
	return body, nil
}
