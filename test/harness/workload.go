package harness

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// Client is a clientset with all rights.
func Client(t testing.TB) *kubernetes.Clientset {
	t.Helper()
	clientset, err := kubernetes.NewForConfig(cluster.Start(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	return clientset
}

// PodTemplate is a pod that uses 100m cpu of the 200m, and 32Mi memory of the 64Mi that it requests.
func PodTemplate(name string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"app": name},
			Annotations: map[string]string{"kwok.x-k8s.io/usage-cpu": "100m", "kwok.x-k8s.io/usage-memory": "32Mi"},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "web", Image: "web:1",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				"cpu": resource.MustParse("200m"), "memory": resource.MustParse("64Mi"),
			}},
		}}},
	}
}

// Deploy creates a Deployment named web in a namespace of its own, waits for its pods to be ready, and gives the namespace.
func Deploy(t *testing.T, replicas int32) (namespace string) {
	t.Helper()
	namespace = cluster.Start(t).Namespace(t)
	CreateDeployment(t, namespace, replicas)
	PodsAreReady(t, namespace, int(replicas))
	return namespace
}

// CreateDeployment creates a Deployment named web, and does not wait for its pods.
func CreateDeployment(t *testing.T, namespace string, replicas int32) {
	t.Helper()
	createDeploymentWith(t, namespace, replicas, PodTemplate("web"))
}

// CreateDeploymentOf creates a Deployment of one pod that is a little different.
func CreateDeploymentOf(t *testing.T, namespace string, change func(*corev1.PodTemplateSpec)) {
	t.Helper()
	template := PodTemplate("web")
	change(&template)
	createDeploymentWith(t, namespace, 1, template)
}

func createDeploymentWith(t *testing.T, namespace string, replicas int32, template corev1.PodTemplateSpec) {
	t.Helper()
	_, err := Client(t).AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"app": "web"}},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Template: template,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// PodsAreReady waits until just so many pods are running in the namespace, all ready.
func PodsAreReady(t *testing.T, namespace string, want int) {
	t.Helper()
	Eventually(t, "pods to be ready", func() (bool, error) {
		pods, err := Client(t).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(pods.Items) != want {
			return false, err
		}
		for _, pod := range pods.Items {
			if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
				return false, nil
			}
		}
		return true, nil
	})
}

// Replicas is what the Deployment's scale asks for.
func Replicas(t *testing.T, namespace string) int32 {
	t.Helper()
	return deploymentScale(t, namespace).Spec.Replicas
}

// SetReplicas scales the Deployment by hand.
func SetReplicas(t *testing.T, namespace string, replicas int32) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas) // whoever else has just changed the target
	if _, err := Client(t).AppsV1().Deployments(namespace).Patch(t.Context(), "web", types.MergePatchType, patch, metav1.PatchOptions{}, "scale"); err != nil {
		t.Fatal(err)
	}
}

func deploymentScale(t *testing.T, namespace string) *autoscalingv1.Scale {
	t.Helper()
	scale, err := Client(t).AppsV1().Deployments(namespace).GetScale(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return scale
}

// ScalesTo waits until the Deployment has so many replicas.
func ScalesTo(t *testing.T, namespace string, want int32) {
	t.Helper()
	Eventually(t, "the Deployment to be scaled", func() (bool, error) { return Replicas(t, namespace) == want, nil })
}

// BaseConfig is a configuration for the Deployment web whose methods are all the record script, without hooks. Further
// keys are added behind it.
func BaseConfig(namespace string) string {
	return `
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
namespace: ` + namespace + `
runMode: per-resource
interval: 300
metric: {type: shell, timeout: 20000, shell: {entrypoint: ./record, command: [metric]}}
evaluate: {type: shell, timeout: 20000, shell: {entrypoint: ./record, command: [evaluate]}}
`
}

// PodsOf gives the pods of an app, by name.
func PodsOf(t *testing.T, namespace, app string) []corev1.Pod {
	t.Helper()
	list, err := Client(t).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return list.Items
}

// PatchPod merges a patch into a pod, or into a subresource of one.
func PatchPod(t *testing.T, namespace, name, patch string, subresources ...string) {
	t.Helper()
	_, err := Client(t).CoreV1().Pods(namespace).Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
	if err != nil {
		t.Fatal(err)
	}
}
