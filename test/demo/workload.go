package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// What a simulated pod uses is what these annotations of it say.
const (
	usageCPU    = "kwok.x-k8s.io/usage-cpu"
	usageMemory = "kwok.x-k8s.io/usage-memory"
)

// namespace is the one in the example's config.yaml.
const namespace = "default"

// workload is the example's Deployment.
type workload struct {
	cluster        *cluster.Cluster
	client         kubernetes.Interface
	name, selector string
	request        int // what a pod requests, in thousandths of a cpu
}

// deploy creates the Deployment of a file, its pods using some cpu from the start.
func deploy(ctx context.Context, c *cluster.Cluster, file string, cpu int) (*workload, error) {
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	manifest, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the example: %w", err)
	}
	var deployment appsv1.Deployment
	if err := yaml.Unmarshal(manifest, &deployment); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	deployment.Spec.Template.Annotations = map[string]string{usageCPU: fmt.Sprintf("%dm", cpu), usageMemory: "32Mi"}
	if _, err := client.AppsV1().Deployments(namespace).Create(ctx, &deployment, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("creating the Deployment of %s: %w", file, err)
	}
	request := 0
	for _, container := range deployment.Spec.Template.Spec.Containers {
		request += int(container.Resources.Requests.Cpu().MilliValue())
	}
	selector := metav1.FormatLabelSelector(deployment.Spec.Selector)
	return &workload{cluster: c, client: client, name: deployment.Name, selector: selector, request: request}, nil
}

// carry spreads a load over the pods that are ready, and gives what there is then.
func (w *workload) carry(ctx context.Context, load int) (sample, error) {
	deployment, err := w.client.AppsV1().Deployments(namespace).Get(ctx, w.name, metav1.GetOptions{})
	if err != nil {
		return sample{}, fmt.Errorf("reading the Deployment %s: %w", w.name, err)
	}
	pods, err := w.readyPods(ctx)
	if err != nil {
		return sample{}, fmt.Errorf("listing the pods of %s: %w", w.name, err)
	}
	for _, pod := range pods {
		if err := w.use(ctx, pod, share(load, len(pods))); err != nil {
			return sample{}, fmt.Errorf("giving the pod %s its share of the load: %w", pod, err)
		}
	}
	// A pod's cpu is counted from when it is first asked for, which this does: no pod has to be there.
	if err := w.cluster.WaitPodMetrics(ctx, namespace, w.selector, 0); err != nil {
		return sample{}, err
	}
	measured, err := w.measured(ctx)
	return sample{load: load, ready: len(pods), wanted: int(*deployment.Spec.Replicas), measured: measured}, err
}

func (w *workload) readyPods(ctx context.Context) ([]string, error) {
	pods, err := w.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: w.selector})
	if err != nil {
		return nil, err
	}
	var ready []string
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil && isReady(pod) {
			ready = append(ready, pod.Name)
		}
	}
	return ready, nil
}

func isReady(pod corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// use makes a pod use so much cpu. It may have gone meanwhile.
func (w *workload) use(ctx context.Context, pod string, cpu int) error {
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:"%dm"}}}`, usageCPU, cpu)
	_, err := w.client.CoreV1().Pods(namespace).Patch(ctx, pod, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// measured is how busy metrics-server says the pods are, in percent of what they request.
func (w *workload) measured(ctx context.Context) (int, error) {
	body, err := w.client.CoreV1().RESTClient().Get().
		AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces", namespace, "pods").Param("labelSelector", w.selector).DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the pods' metrics: %w", err)
	}
	var list struct {
		Items []struct {
			Containers []struct{ Usage corev1.ResourceList }
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return 0, fmt.Errorf("reading the pods' metrics: %w", err)
	}
	used := 0
	for _, pod := range list.Items {
		for _, container := range pod.Containers {
			used += int(container.Usage.Cpu().MilliValue())
		}
	}
	return percent(used, len(list.Items), w.request), nil
}
