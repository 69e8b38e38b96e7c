package e2e

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// client is a clientset with all rights.
func client(t testing.TB) *kubernetes.Clientset {
	t.Helper()
	clientset, err := kubernetes.NewForConfig(cluster.Start(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	return clientset
}

// podTemplate is a pod that uses 100m cpu of the 200m, and 32Mi memory of the 64Mi that it requests.
func podTemplate(name string) corev1.PodTemplateSpec {
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

// deploy creates a Deployment named web in a namespace of its own, waits for its pods to be ready, and gives the namespace.
func deploy(t *testing.T, replicas int32) (namespace string) {
	t.Helper()
	namespace = cluster.Start(t).Namespace(t)
	createDeployment(t, namespace, replicas)
	ready(t, namespace, int(replicas))
	return namespace
}

func createDeployment(t *testing.T, namespace string, replicas int32) {
	t.Helper()
	createDeploymentWith(t, namespace, replicas, podTemplate("web"))
}

// createDeploymentOf creates a Deployment of one pod that is a little different.
func createDeploymentOf(t *testing.T, namespace string, change func(*corev1.PodTemplateSpec)) {
	t.Helper()
	template := podTemplate("web")
	change(&template)
	createDeploymentWith(t, namespace, 1, template)
}

func createDeploymentWith(t *testing.T, namespace string, replicas int32, template corev1.PodTemplateSpec) {
	t.Helper()
	_, err := client(t).AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
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

// ready waits until just so many pods are running in the namespace, all ready.
func ready(t *testing.T, namespace string, want int) {
	t.Helper()
	eventually(t, "pods to be ready", func() (bool, error) {
		pods, err := client(t).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
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

// replicas is what the Deployment's scale asks for.
func replicas(t *testing.T, namespace string) int32 {
	t.Helper()
	return deploymentScale(t, namespace).Spec.Replicas
}

// setReplicas scales the Deployment by hand.
func setReplicas(t *testing.T, namespace string, replicas int32) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas) // whoever else has just changed the target
	if _, err := client(t).AppsV1().Deployments(namespace).Patch(t.Context(), "web", types.MergePatchType, patch, metav1.PatchOptions{}, "scale"); err != nil {
		t.Fatal(err)
	}
}

func deploymentScale(t *testing.T, namespace string) *autoscalingv1.Scale {
	t.Helper()
	scale, err := client(t).AppsV1().Deployments(namespace).GetScale(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return scale
}

// scalesTo waits until the Deployment has so many replicas.
func scalesTo(t *testing.T, namespace string, want int32) {
	t.Helper()
	eventually(t, "the Deployment to be scaled", func() (bool, error) { return replicas(t, namespace) == want, nil })
}

// base is a configuration for the Deployment web whose methods are all the record script, without hooks. Further
// keys are added behind it.
func base(namespace string) string {
	return `
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
namespace: ` + namespace + `
runMode: per-resource
interval: 300
metric: {type: shell, timeout: 20000, shell: {entrypoint: ./record, command: [metric]}}
evaluate: {type: shell, timeout: 20000, shell: {entrypoint: ./record, command: [evaluate]}}
`
}

// perPod is base in the other mode.
func perPod(namespace string) string {
	return strings.Replace(base(namespace), "runMode: per-resource", "runMode: per-pod", 1)
}

// token is a service account's, as Kubernetes puts it into a pod.
func token(t *testing.T, namespace, name string) string {
	t.Helper()
	request, err := client(t).CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}
