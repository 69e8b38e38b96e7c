package operator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// objectCalled is the object under another name, with a target of its own.
func objectCalled(name string) string {
	return strings.NewReplacer("name: web-autoscaler", "name: "+name, "name: web}", "name: of-"+name+"}").Replace(harness.AutoscalerObject)
}

// allReady waits until just so many objects are ready, as they are now.
func allReady(t *testing.T, namespace string, count int) {
	t.Helper()
	const each = `{range .items[*]}{.metadata.generation} {.status.observedGeneration} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}`
	harness.Eventually(t, fmt.Sprintf("%d objects to be ready", count), func() (bool, error) {
		ready := 0
		for line := range strings.Lines(harness.Kubectl(t, "", "get", "cpa", "-n", namespace, "-o", "jsonpath="+each)) {
			if words := strings.Fields(line); len(words) == 3 && words[0] == words[1] && words[2] == "True" {
				ready++
			}
		}
		return ready == count, fmt.Errorf("%d are", ready)
	})
}

// counted is how often what kind of thing was written: PATCH deployments, PATCH custompodautoscalers/status.
func counted(writes []string) map[string]int {
	counts := map[string]int{}
	for _, write := range writes {
		method, path, _ := strings.Cut(write, " ")
		_, path, _ = strings.Cut(path, "/namespaces/")
		parts := strings.Split(path, "/") // namespace, kind, name, and maybe a subresource
		counts[method+" "+strings.Join(append(parts[1:2], parts[min(3, len(parts)):]...), "/")]++
	}
	return counts
}

// TestAnObjectCostsItsWritesAndNoMore: a new object is four things that are applied, a new configuration is one, and a new
// operator finds nothing to do. The status says that the autoscaler is not ready, if that lasts, and that it is.
func TestAnObjectCostsItsWritesAndNoMore(t *testing.T) {
	t.Parallel()
	const count = 30
	namespace := cluster.Start(t).Namespace(t)
	proxy := harness.StartProxy(t)
	operator := harness.StartOperator(t, namespace, proxy.Kubeconfig)
	var objects string
	for i := range count {
		objects += "---" + objectCalled(fmt.Sprintf("autoscaler-%d", i))
	}
	harness.Kubectl(t, objects, "create", "-n", namespace, "-f", "-")
	allReady(t, namespace, count)
	created := writesOf(proxy)
	wrote(t, "for new objects", created, map[string]limits{
		"PATCH serviceaccounts": {count, count}, "PATCH roles": {count, count}, "PATCH rolebindings": {count, count}, "PATCH deployments": {count, count},
		"PATCH custompodautoscalers/status": {count, 2 * count},
	})

	harness.Kubectl(t, strings.ReplaceAll(objects, "10000", "7000"), "replace", "-n", namespace, "-f", "-")
	allReady(t, namespace, count)
	wrote(t, "for a new configuration", writesOf(proxy)[len(created):], map[string]limits{
		"PATCH deployments":                 {count, 2 * count}, // again where the operator has not been told yet of what it wrote
		"PATCH custompodautoscalers/status": {count, 2 * count},
	})
	operator.Stop()

	proxy = harness.StartProxy(t)
	harness.StartOperator(t, namespace, proxy.Kubeconfig)
	// A mistake is written into each status, and that is all.
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "--all", "v1.custompodautoscaler.com/paused-replicas=many")
	harness.Eventually(t, "the mistakes to be told of", func() (bool, error) {
		return strings.Count(harness.Kubectl(t, "", "get", "cpa", "-n", namespace, "-o", "jsonpath={.items[*].status.conditions[*].reason}"), "InvalidReplicas") == count, nil
	})
	all := slices.DeleteFunc(writesOf(proxy), func(write string) bool { return strings.Contains(write, "/events") })
	wrote(t, "by a new operator", all, map[string]limits{"PATCH custompodautoscalers/status": {count, count}})
}

type limits struct{ least, most int }

// wrote checks that just these kinds of things were written, each so often.
func wrote(t *testing.T, what string, writes []string, want map[string]limits) {
	t.Helper()
	counts := counted(writes)
	t.Logf("%s: %v", what, counts)
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		if want[kind].most == 0 {
			t.Errorf("%s there were %d times %s", what, counts[kind], kind)
		}
	}
	for kind, limits := range want {
		if n := counts[kind]; n < limits.least || n > limits.most {
			t.Errorf("%s there were %d times %s, want %d to %d", what, n, kind, limits.least, limits.most)
		}
	}
}
