package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

const threeResources = `
requireKubernetesMetrics: true
kubernetesMetricSpecs:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization}}}
  - {type: Resource, resource: {name: memory, target: {type: Utilization}}}
  - {type: Resource, resource: {name: memory, target: {type: AverageValue}}}
`

// What the first pass calls, which asks where things are served, and what is left of it for those that follow: the pods
// are watched, and the target is still what it was.
var (
	callsOfTheFirst = []string{
		"GET apps/v1 JSON",
		"GET apps/v1 deployments/web/scale protobuf",
		"GET apps/v1 deployments/web protobuf",
		"GET metrics.k8s.io JSON",
		"GET metrics.k8s.io/v1beta1 pods?labelSelector=app=web protobuf",
	}
	callsOfAPass = []string{
		"GET apps/v1 deployments/web/scale protobuf",
		"GET metrics.k8s.io/v1beta1 pods?labelSelector=app=web protobuf",
	}
)

func TestAPassReadsEverythingOnceAndWritesOnlyAChange(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 3)
	measured(t, namespace, "web", 3)
	for i, mode := range []string{"per-resource", "per-pod"} {
		proxy := startProxy(t)
		p := start(t, options{
			config: base(namespace) + threeResources, files: replies(3 + i), kube: proxy.kubeconfig, env: []string{"runMode=" + mode},
		})
		p.calledJust(proxy, callsOfTheFirst)
		p.settlesOn(proxy, callsOfAPass)

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
	const scale = "GET cost.example.com/v1 workers/web/scale JSON"
	p.calledJust(proxy, []string{"GET cost.example.com/v1 JSON", scale, "GET cost.example.com/v1 workers/web JSON", scale, scale})
	kubectl(t, "", "annotate", "-n", namespace, "workers.cost.example.com", "web", "changed=yes")
	p.eventually("the object to be read again", func() (bool, error) {
		return strings.Count(fmt.Sprint(proxy.byPasses()), "workers/web JSON") == 2, nil
	})
	p.settlesOn(proxy, []string{scale})
}

// calledJust waits for as many calls as are wanted, and checks that they are those.
func (p *program) calledJust(proxy *proxy, want []string) {
	p.Helper()
	p.eventually(fmt.Sprintf("%d calls", len(want)), func() (bool, error) { return len(proxy.byPasses()) >= len(want), nil })
	if got := proxy.byPasses()[:len(want)]; !slices.Equal(got, want) {
		p.Fatalf("the first calls are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// settlesOn waits for four passes in a row that make just these calls.
func (p *program) settlesOn(proxy *proxy, pass []string) {
	p.Helper()
	want := slices.Repeat(pass, 4)
	p.eventually("four passes of "+strings.Join(pass, ", "), func() (bool, error) {
		calls := proxy.byPasses()
		for len(calls) > 0 && calls[len(calls)-1] != pass[len(pass)-1] { // of a pass that is under way
			calls = calls[:len(calls)-1]
		}
		last := calls[max(0, len(calls)-len(want)):]
		return slices.Equal(last, want), fmt.Errorf("the last are %q", last)
	})
}

// byPasses are the calls so far but for those of the watch.
func (p *proxy) byPasses() (all []string) {
	for _, call := range p.noted() {
		if !call.query.Has("resourceVersion") && !call.query.Has("watch") {
			all = append(all, call.String())
		}
	}
	return all
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
