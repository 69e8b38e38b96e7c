package operator

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestALostAutoscalerIsReplaced: a bare pod would not come back.
func TestALostAutoscalerIsReplaced(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	createNodes(t, namespace)
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Kubectl(t, strings.Replace(harness.AutoscalerObject, "      containers:", `      nodeSelector: {own: "`+namespace+`"}
      tolerations: [{key: own, operator: Exists, effect: NoSchedule}]
      containers:`, 1), "create", "-n", namespace, "-f", "-")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	for _, row := range []struct {
		name string
		lose func(corev1.Pod)
	}{
		{"it is evicted", func(pod corev1.Pod) {
			harness.PatchPod(t, namespace, pod.Name, `{"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}}`, "status")
		}},
		{"it is deleted", func(pod corev1.Pod) { harness.Kubectl(t, "", "delete", "-n", namespace, "pod", pod.Name) }},
		{"its node is taken out of service", func(pod corev1.Pod) {
			harness.Kubectl(t, "", "taint", "node", pod.Spec.NodeName, "out-of-service=yes:NoExecute")
		}},
	} {
		before := autoscalerPod(t, namespace)
		row.lose(before)
		harness.Eventually(t, row.name+": another one", func() (bool, error) {
			now := autoscalerPods(t, namespace)
			return len(now) == 1 && now[0].UID != before.UID, fmt.Errorf("there are %d", len(now))
		})
		harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	}
}

// createNodes makes two nodes for the pods of one test, which may lose them.
func createNodes(t *testing.T, own string) {
	t.Helper()
	for i := range 2 {
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", own, i), Labels: map[string]string{"own": own}},
			Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: "own", Effect: corev1.TaintEffectNoSchedule}}},
		}
		if _, err := harness.Client(t).CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { harness.Kubectl(t, "", "delete", "node", node.Name) })
	}
}

// autoscalerPods are those that run the object's autoscaler, whether they are about to end or not.
func autoscalerPods(t *testing.T, namespace string) (running []corev1.Pod) {
	t.Helper()
	pods, err := harness.Client(t).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "v1.custompodautoscaler.com/owned-by=web-autoscaler"})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if pod.Status.Phase == corev1.PodRunning {
			running = append(running, pod)
		}
	}
	return running
}

func autoscalerPod(t *testing.T, namespace string) corev1.Pod {
	t.Helper()
	pods := autoscalerPods(t, namespace)
	if len(pods) != 1 {
		t.Fatalf("%d autoscalers run, want one", len(pods))
	}
	return pods[0]
}

// TestTheOldAutoscalerEndsBeforeTheNewOneStarts: the old one takes its time here.
func TestTheOldAutoscalerEndsBeforeTheNewOneStarts(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	for _, row := range []struct{ name, patch, deployment string }{
		{"a new configuration", `{"spec": {"config": [{"name": "interval", "value": "7000"}]}}`, "web-autoscaler"},
		{"a new name", `{"spec": {"template": {"metadata": {"name": "runner"}}}}`, "runner"},
	} {
		old := autoscalerPod(t, namespace)
		harness.PatchPod(t, namespace, old.Name, `{"metadata": {"finalizers": ["example.com/takes-its-time"]}}`)
		harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", row.patch)
		harness.Eventually(t, row.name+": the old one to be asked to end", func() (bool, error) {
			return autoscalerPod(t, namespace).DeletionTimestamp != nil, nil // and no other runs
		})
		ends := neverTwo(t, namespace)
		harness.PatchPod(t, namespace, old.Name, `{"metadata": {"finalizers": null}}`)
		harness.Eventually(t, row.name+": the new one", func() (bool, error) {
			made, err := harness.Client(t).AppsV1().Deployments(namespace).Get(t.Context(), row.deployment, metav1.GetOptions{})
			return err == nil && made.Status.UpdatedReplicas == 1 && made.Status.AvailableReplicas == 1 && made.Status.ObservedGeneration == made.Generation, err
		})
		if err := ends(); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// neverTwo watches the autoscaler's pods, until it is ended, for two that are there at a time.
func neverTwo(t *testing.T, namespace string) (ends func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	watcher, err := harness.Client(t).CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{LabelSelector: "v1.custompodautoscaler.com/owned-by=web-autoscaler"})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan error, 1)
	go func() {
		there, most := map[string]bool{}, 0
		for event := range watcher.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				there[pod.Name] = true
				if event.Type == "DELETED" {
					delete(there, pod.Name)
				}
				most = max(most, len(there))
			}
		}
		var err error
		if most != 1 {
			err = fmt.Errorf("there were %d pods at a time, want one", most)
		}
		seen <- err
	}()
	return func() error {
		watcher.Stop()
		return <-seen
	}
}
