package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// patience is for one thing that a test waits for, on a machine that does other things too.
const patience = 90 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestPodsUseWhatTheirAnnotationsSay(t *testing.T) {
	c, ctx := Start(t), deadline(t)
	namespace := c.Namespace(t)
	createDeployment(ctx, t, c, namespace, "web", 2, map[string]string{
		"kwok.x-k8s.io/usage-cpu":    "250m",
		"kwok.x-k8s.io/usage-memory": "64Mi",
	})
	if err := c.WaitPodMetrics(ctx, namespace, "app=web", 2); err != nil {
		t.Fatal(err)
	}
	for pod, usage := range podUsage(ctx, t, c, namespace) {
		if cpu := usage.Cpu().MilliValue(); cpu < 225 || cpu > 275 {
			t.Errorf("pod %s: cpu is %dm, want about 250m", pod, cpu)
		}
		if memory := usage.Memory().String(); memory != "64Mi" {
			t.Errorf("pod %s: memory is %s, want 64Mi", pod, memory)
		}
	}
}

func TestAPodCanBeMadeUnready(t *testing.T) {
	c, ctx := Start(t), deadline(t)
	namespace := c.Namespace(t)
	createDeployment(ctx, t, c, namespace, "web", 2, nil)
	pods, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	patch := []byte(`{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`)
	_, err = c.client.CoreV1().Pods(namespace).Patch(ctx, pods.Items[0].Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	waitReadyReplicas(ctx, t, c, namespace, "web", 1)
}

func TestManyPodsFit(t *testing.T) {
	c, ctx := Start(t), deadline(t)
	createDeployment(ctx, t, c, c.Namespace(t), "many", 600, nil)
}

func TestMetricsSayWhatWasWritten(t *testing.T) {
	c, ctx := Start(t), deadline(t)
	namespace := c.Namespace(t)
	createDeployment(ctx, t, c, namespace, "web", 1, nil)
	err := c.SetObjectMetric(ctx, namespace, "deployments.apps", "web", "hits", nil, "1500m")
	if err != nil {
		t.Fatal(err)
	}
	for tenant, value := range map[string]string{"a": "7", "b": "250m"} {
		if err := c.SetExternalMetric(ctx, namespace, "queue", map[string]string{"tenant": tenant}, value); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ name, path, want string }{
		{"custom metric of an object", "/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + namespace + "/deployments.apps/web/hits", "[1500m]"},
		{"custom metric, older version", "/apis/custom.metrics.k8s.io/v1beta1/namespaces/" + namespace + "/deployments.apps/web/hits", "[1500m]"},
		{"external metric of one tenant", "/apis/external.metrics.k8s.io/v1beta1/namespaces/" + namespace + "/queue?labelSelector=tenant%3Db", "[250m]"},
		{"external metric in another namespace", "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue", "[]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := metricValues(ctx, t, c, test.path); got != test.want {
				t.Errorf("values are %s, want %s", got, test.want)
			}
		})
	}
}

func TestWhoHasNoRoleIsForbidden(t *testing.T) {
	c, ctx := Start(t), deadline(t)
	namespace := c.Namespace(t)
	config := c.Config()
	config.Impersonate.UserName = "system:serviceaccount:" + namespace + ":default"
	client := kubernetes.NewForConfigOrDie(config)
	_, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("listing pods without a role: %v, want forbidden", err)
	}
}

func TestMetricsServerComesBack(t *testing.T) {
	c, ctx := Start(t), deadline(t)
	if err := c.StopComponent(ctx, "metrics-server"); err != nil {
		t.Fatal(err)
	}
	if err := forwarded("metrics-server")(ctx, c); err == nil {
		t.Error("metrics.k8s.io is served though metrics-server is stopped")
	}
	if err := c.StartComponent(ctx, "metrics-server"); err != nil {
		t.Fatal(err)
	}
	if err := forwarded("metrics-server")(ctx, c); err != nil {
		t.Errorf("metrics.k8s.io after metrics-server is back: %v", err)
	}
}

func TestAPIServerComesBackWithItsObjects(t *testing.T) {
	c, ctx := Start(t), deadline(t)
	namespace := c.Namespace(t)
	for _, name := range []string{"kube-apiserver", "etcd"} {
		if err := c.StopComponent(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := c.StartComponent(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	createDeployment(ctx, t, c, namespace, "after", 1, nil)
}

func TestComponentsThatAreNotThere(t *testing.T) {
	c, ctx := Start(t), deadline(t)
	if err := c.StopComponent(ctx, "kubelet"); err == nil {
		t.Error("a component that does not exist was stopped")
	}
	if err := c.StartComponent(ctx, "kubectl"); err == nil {
		t.Error("a program that is not a component was started")
	}
	if err := c.StartComponent(ctx, "etcd"); err == nil {
		t.Error("a component that runs was started again")
	}
}

func TestTwoClustersAtOnce(t *testing.T) {
	first, ctx := Start(t), deadline(t)
	second, err := New(ctx, Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	namespace := first.Namespace(t)
	_, err = second.client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("looking for the first cluster's namespace in the second: %v, want not found", err)
	}
	if err := second.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if exists(second.dir) {
		t.Errorf("%s is still there after Stop", second.dir)
	}
	createDeployment(ctx, t, first, namespace, "still-works", 1, nil)
}

// createDeployment returns when all pods are ready.
func createDeployment(ctx context.Context, t *testing.T, c *Cluster, namespace, name string, replicas int32, annotations map[string]string) {
	t.Helper()
	labels := map[string]string{"app": name}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "none"}}},
			},
		},
	}
	if _, err := c.client.AppsV1().Deployments(namespace).Create(ctx, deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	waitReadyReplicas(ctx, t, c, namespace, name, replicas)
}

func waitReadyReplicas(ctx context.Context, t *testing.T, c *Cluster, namespace, name string, want int32) {
	t.Helper()
	err := poll(ctx, pollInterval, func(ctx context.Context) error {
		found, err := c.client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && found.Status.ReadyReplicas != want {
			return fmt.Errorf("%d pods are ready, want %d", found.Status.ReadyReplicas, want)
		}
		return err
	})
	if err != nil {
		t.Fatalf("waiting for the pods of %s: %v", name, err)
	}
}

func podUsage(ctx context.Context, t *testing.T, c *Cluster, namespace string) map[string]corev1.ResourceList {
	t.Helper()
	var list struct {
		Items []struct {
			Metadata   metav1.ObjectMeta
			Containers []struct{ Usage corev1.ResourceList }
		}
	}
	read(ctx, t, c, "/apis/metrics.k8s.io/v1beta1/namespaces/"+namespace+"/pods", &list)
	usage := map[string]corev1.ResourceList{}
	for _, item := range list.Items {
		usage[item.Metadata.Name] = item.Containers[0].Usage
	}
	return usage
}

func metricValues(ctx context.Context, t *testing.T, c *Cluster, path string) string {
	t.Helper()
	var list struct {
		Items []struct{ Value resource.Quantity }
	}
	read(ctx, t, c, path, &list)
	values := "["
	for _, item := range list.Items {
		values += item.Value.String()
	}
	return values + "]"
}

func read(ctx context.Context, t *testing.T, c *Cluster, path string, into any) {
	t.Helper()
	answer, err := c.get(ctx, "https://"+c.address("kube-apiserver")+path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatal(err)
	}
}
