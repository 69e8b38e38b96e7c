package autoscaler

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
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
	namespace := harness.Deploy(t, 3)
	harness.PodsAreMeasured(t, namespace, "web", 3)
	for i, mode := range []string{"per-resource", "per-pod"} {
		proxy := harness.StartProxy(t)
		p := harness.Start(t, harness.Options{
			Config: harness.BaseConfig(namespace) + threeResources, Files: harness.Replies(3 + i), Kube: proxy.Kubeconfig, Env: []string{"runMode=" + mode},
		})
		calledJust(p, proxy, callsOfTheFirst)
		settlesOn(p, proxy, callsOfAPass)

		p.Evaluates(4 + i)
		harness.ScalesTo(t, namespace, int32(4+i))
		p.Passes("evaluate", 2)
		p.Stop() // which writes the last event
		var writes []string
		for _, call := range proxy.Noted() {
			if call.Method != http.MethodGet {
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
	harness.InstallWorkers(t, "cost.example.com", harness.Scalable)
	harness.CreateCustomWorker(t, namespace, "cost.example.com")
	proxy := harness.StartProxy(t)
	p := harness.Start(t, harness.Options{
		Config: harness.BaseConfig(namespace), Files: harness.Replies(1), Kube: proxy.Kubeconfig,
		Env: []string{"scaleTargetRef={apiVersion: cost.example.com/v1, kind: Worker, name: web}"},
	})
	const scale = "GET cost.example.com/v1 workers/web/scale JSON"
	calledJust(p, proxy, []string{"GET cost.example.com/v1 JSON", scale, "GET cost.example.com/v1 workers/web JSON", scale, scale})
	harness.Kubectl(t, "", "annotate", "-n", namespace, "workers.cost.example.com", "web", "changed=yes")
	p.Eventually("the object to be read again", func() (bool, error) {
		return strings.Count(fmt.Sprint(byPasses(proxy)), "workers/web JSON") == 2, nil
	})
	settlesOn(p, proxy, []string{scale})
}

// calledJust waits for as many calls as are wanted, and checks that they are those.
func calledJust(p *harness.Program, proxy *harness.Proxy, want []string) {
	p.Helper()
	p.Eventually(fmt.Sprintf("%d calls", len(want)), func() (bool, error) { return len(byPasses(proxy)) >= len(want), nil })
	if got := byPasses(proxy)[:len(want)]; !slices.Equal(got, want) {
		p.Fatalf("the first calls are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// settlesOn waits for four passes in a row that make just these calls.
func settlesOn(p *harness.Program, proxy *harness.Proxy, pass []string) {
	p.Helper()
	want := slices.Repeat(pass, 4)
	p.Eventually("four passes of "+strings.Join(pass, ", "), func() (bool, error) {
		calls := byPasses(proxy)
		for len(calls) > 0 && calls[len(calls)-1] != pass[len(pass)-1] { // of a pass that is under way
			calls = calls[:len(calls)-1]
		}
		last := calls[max(0, len(calls)-len(want)):]
		return slices.Equal(last, want), fmt.Errorf("the last are %q", last)
	})
}

// byPasses are the calls so far but for those of the watch.
func byPasses(p *harness.Proxy) (all []string) {
	for _, call := range p.Noted() {
		if !call.Query.Has("resourceVersion") && !call.Query.Has("watch") {
			all = append(all, call.String())
		}
	}
	return all
}
