package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/test/cluster"
)

const threeResources = `
requireKubernetesMetrics: true
kubernetesMetricSpecs:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization}}}
  - {type: Resource, resource: {name: memory, target: {type: Utilization}}}
  - {type: Resource, resource: {name: memory, target: {type: AverageValue}}}
`

// readsOfAPass are all calls of a pass that changes nothing, however many metrics are configured. The first pass also
// asks where things are served.
var readsOfAPass = []string{
	"GET apps/v1 deployments/web protobuf",
	"GET apps/v1 deployments/web/scale protobuf",
	"GET v1 pods?labelSelector=app=web protobuf",
	"GET metrics.k8s.io/v1beta1 pods?labelSelector=app=web protobuf",
}

func TestAPassReadsEverythingOnceAndWritesOnlyAChange(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 3)
	measured(t, namespace, "web", 3)
	for i, mode := range []string{"per-resource", "per-pod"} {
		proxy := startProxy(t)
		p := start(t, options{
			config: base(namespace) + threeResources, files: replies(3 + i), kube: proxy.kubeconfig, env: []string{"runMode=" + mode},
		})
		first := slices.Concat([]string{"GET apps/v1 JSON"}, readsOfAPass[:3], []string{"GET metrics.k8s.io JSON"}, readsOfAPass[3:])
		p.calledJust(proxy, append(first, slices.Repeat(readsOfAPass, 4)...))

		p.evaluates(4 + i)
		scalesTo(t, namespace, int32(4+i))
		p.passes("evaluate", 2)
		p.stop() // which writes the last event
		var writes []string
		for _, call := range proxy.noted() {
			if call.method != http.MethodGet {
				writes = append(writes, call.String())
			}
		}
		slices.Sort(writes)
		if want := []string{"PATCH apps/v1 deployments/web/scale protobuf", "POST v1 events protobuf"}; !slices.Equal(writes, want) {
			t.Errorf("%s: it wrote %q, want %q: the scale, and that it did so", mode, writes, want)
		}
	}
}

func TestACustomResourceIsReadOnceAsJSON(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	installWorkers(t, "cost.example.com", scalable)
	createCustomWorker(t, namespace, "cost.example.com")
	proxy := startProxy(t)
	p := start(t, options{
		config: base(namespace), files: replies(1), kube: proxy.kubeconfig,
		env: []string{"scaleTargetRef={apiVersion: cost.example.com/v1, kind: Worker, name: web}"},
	})
	p.calledJust(proxy, append([]string{"GET cost.example.com/v1 JSON"}, slices.Repeat([]string{
		"GET cost.example.com/v1 workers/web JSON",
		"GET cost.example.com/v1 workers/web/scale JSON",
	}, 5)...))
}

// calledJust waits for as many calls as are wanted, and checks that they are those.
func (p *program) calledJust(proxy *proxy, want []string) {
	p.Helper()
	p.eventually(fmt.Sprintf("%d calls", len(want)), func() (bool, error) { return len(proxy.noted()) >= len(want), nil })
	for i, call := range proxy.noted()[:len(want)] {
		if got := call.String(); got != want[i] {
			p.Fatalf("call %d is %q, want %q", i+1, got, want[i])
		}
	}
}

// String is the call without its namespace, and what kind of document the answer is:
// GET apps/v1 deployments/web/scale protobuf
func (c call) String() string {
	path := strings.TrimPrefix(strings.TrimPrefix(c.path, "/apis/"), "/api/")
	version, resource, found := strings.Cut(path, "/namespaces/")
	words := []string{c.method, version}
	if _, resource, _ = strings.Cut(resource, "/"); found {
		for key, values := range c.query {
			resource += "?" + key + "=" + values[0]
		}
		words = append(words, resource)
	}
	switch {
	case c.contentType == "application/vnd.kubernetes.protobuf" && strings.HasPrefix(c.accept, c.contentType+","):
		return strings.Join(append(words, "protobuf"), " ")
	case c.contentType == "application/json":
		return strings.Join(append(words, "JSON"), " ")
	}
	return strings.Join(append(words, c.contentType, "of", c.accept), " ")
}
