package main

import (
	"context"
	"fmt"
	"io"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	v1 "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

const (
	namespace, deployment = "default", "web"

	// longestGrowth is how long thousands of pods may take to run and to be measured.
	longestGrowth = 15 * time.Minute
)

// workload is the Deployment that is measured.
type workload struct {
	cluster  *cluster.Cluster
	client   v1.DeploymentInterface
	progress io.Writer
}

func newWorkload(c *cluster.Cluster, progress io.Writer) (*workload, error) {
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return &workload{c, client.AppsV1().Deployments(namespace), progress}, nil
}

// grow gives the Deployment so many pods, and waits until all are running and measured.
func (w *workload) grow(ctx context.Context, pods int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, longestGrowth, fmt.Errorf("there were not %d pods within %s", pods, longestGrowth))
	defer cancel()
	began := time.Now()
	if err := w.scale(ctx, pods); err != nil {
		return fmt.Errorf("scaling to %d pods: %w", pods, err)
	}
	for ready := -1; ready != pods; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
		found, err := w.client.Get(ctx, deployment, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("waiting for %d pods: %w", pods, err)
		}
		if now := int(found.Status.ReadyReplicas); now != ready {
			ready = now
			fmt.Fprintf(w.progress, "bench: %d of %d pods are ready, after %.0f s\n", ready, pods, time.Since(began).Seconds())
		}
	}
	if err := w.cluster.WaitPodMetrics(ctx, namespace, "app="+deployment, pods); err != nil {
		return err
	}
	fmt.Fprintf(w.progress, "bench: %d pods are measured, after %.0f s\n", pods, time.Since(began).Seconds())
	return nil
}

// scale creates the Deployment, or changes the one that is there.
func (w *workload) scale(ctx context.Context, pods int) error {
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, pods)
	_, err := w.client.Patch(ctx, deployment, types.MergePatchType, patch, metav1.PatchOptions{}, "scale")
	if !apierrors.IsNotFound(err) {
		return err
	}
	_, err = w.client.Create(ctx, podsOf(int32(pods)), metav1.CreateOptions{})
	return err
}

// podsOf is a Deployment whose pods use 100m cpu of the 200m, and 32Mi memory of the 64Mi that they request.
func podsOf(replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": deployment}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: deployment, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      labels,
					Annotations: map[string]string{"kwok.x-k8s.io/usage-cpu": "100m", "kwok.x-k8s.io/usage-memory": "32Mi"},
				},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "web", Image: "web:1",
					Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
						"cpu": resource.MustParse("200m"), "memory": resource.MustParse("64Mi"),
					}},
				}}},
			},
		},
	}
}
