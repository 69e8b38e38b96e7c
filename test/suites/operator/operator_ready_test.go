package operator

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestReadyIsAboutTheObjectAsItIsNow: what is still there while a change is under way is the autoscaler before it.
func TestReadyIsAboutTheObjectAsItIsNow(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	old := autoscalerPod(t, namespace)
	harness.PatchPod(t, namespace, old.Name, `{"metadata": {"finalizers": ["example.com/takes-its-time"]}}`)
	said := sayings(t, namespace)
	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"config": [{"name": "interval", "value": "7000"}]}}`)
	first := <-said
	for first.ObservedGeneration == 1 {
		first = <-said
	}
	if meta.IsStatusConditionTrue(first.Conditions, cpav1.Ready) {
		t.Errorf("when it has seen the change it says %+v", first)
	}
	harness.PatchPod(t, namespace, old.Name, `{"metadata": {"finalizers": null}}`)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
}

// sayings are what an object's status is, one after another.
func sayings(t *testing.T, namespace string) <-chan cpav1.Status {
	t.Helper()
	client, err := dynamic.NewForConfig(cluster.Start(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	t.Cleanup(cancel)
	watcher, err := client.Resource(cpav1.GroupVersion.WithResource("custompodautoscalers")).Namespace(namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan cpav1.Status)
	go func() {
		defer close(said)
		for event := range watcher.ResultChan() {
			object, ok := event.Object.(*unstructured.Unstructured)
			var typed cpav1.CustomPodAutoscaler
			if !ok || runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &typed) != nil {
				continue
			}
			select {
			case said <- typed.Status:
			case <-ctx.Done():
			}
		}
	}()
	return said
}
