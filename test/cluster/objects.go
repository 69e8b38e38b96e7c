package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const apiServicesPath = "/apis/apiregistration.k8s.io/v1/apiservices"

// nodeNames are all nodes. kwok gives each room for more pods than anybody starts.
func nodeNames() []string { return []string{"node-1", "node-2", "node-3"} }

// usagePath is where kwok tells the usage of a node and its pods.
func usagePath(node string) string { return "/metrics/nodes/" + node + "/metrics/resource" }

// servedAPI is one API that kube-apiserver forwards to an aggregated API server.
type servedAPI struct {
	group, version string
	priority       int32
}

// aggregated are the API servers behind kube-apiserver, by component, with their APIs.
var aggregated = map[string][]servedAPI{
	"metrics-server": {{"metrics.k8s.io", "v1beta1", 100}},
	"test-adapter": {
		{"custom.metrics.k8s.io", "v1beta1", 100},
		{"custom.metrics.k8s.io", "v1beta2", 200},
		{"external.metrics.k8s.io", "v1beta1", 100},
	},
}

func (s servedAPI) name() string { return s.version + "." + s.group }

func (s servedAPI) path() string { return "/apis/" + s.group + "/" + s.version }

// createObjects makes what the components find in a real cluster: nodes, and the services
// and registrations of the aggregated API servers.
func (c *Cluster) createObjects(ctx context.Context) error {
	for _, name := range nodeNames() {
		if err := c.createNode(ctx, name); err != nil {
			return fmt.Errorf("creating %s: %w", name, err)
		}
	}
	for component, apis := range aggregated {
		if err := c.createService(ctx, component); err != nil {
			return fmt.Errorf("creating the service of %s: %w", component, err)
		}
		for _, served := range apis {
			if err := c.createAPIService(ctx, component, served); err != nil {
				return fmt.Errorf("registering %s: %w", served.name(), err)
			}
		}
	}
	return nil
}

func (c *Cluster) createNode(ctx context.Context, name string) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:   name,
		Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"},
		// All nodes share kwok's port, so that the path tells metrics-server which one it reads.
		Annotations: map[string]string{"metrics.k8s.io/resource-metrics-path": usagePath(name)},
	}}
	_, err := c.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	return err
}

// createService names this machine: endpoints must not be loopback addresses, a name may.
func (c *Cluster) createService(ctx context.Context, component string) error {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: component},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	_, err := c.client.CoreV1().Services(metav1.NamespaceSystem).Create(ctx, service, metav1.CreateOptions{})
	return err
}

func (c *Cluster) createAPIService(ctx context.Context, component string, served servedAPI) error {
	ca, err := os.ReadFile(c.path("pki", "ca.crt"))
	if err != nil {
		return err
	}
	// A map, as the types are in a module (kube-aggregator) that is not worth having for this.
	body, err := json.Marshal(map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1",
		"kind":       "APIService",
		"metadata":   map[string]any{"name": served.name()},
		"spec": map[string]any{
			"group":                served.group,
			"version":              served.version,
			"groupPriorityMinimum": 100,
			"versionPriority":      served.priority,
			"caBundle":             ca,
			"service":              map[string]any{"namespace": metav1.NamespaceSystem, "name": component, "port": c.ports[component]},
		},
	})
	if err != nil {
		return err
	}
	return c.client.CoreV1().RESTClient().Post().AbsPath(apiServicesPath).Body(body).Do(ctx).Error()
}

// touch changes nothing but the time that an APIService was touched.
func (c *Cluster) touch(ctx context.Context, served servedAPI) error {
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"touched":%q}}}`, time.Now().Format(time.RFC3339Nano))
	return c.client.CoreV1().RESTClient().Patch(types.MergePatchType).
		AbsPath(apiServicesPath, served.name()).Body([]byte(patch)).Do(ctx).Error()
}
