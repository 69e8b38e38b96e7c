package operator

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// chaosRounds is how often something is killed: CHAOS_ROUNDS, or what a test has time for.
func chaosRounds(t *testing.T, otherwise int) (rounds int, long bool) {
	t.Helper()
	text := os.Getenv("CHAOS_ROUNDS")
	if text == "" {
		return otherwise, false
	}
	rounds, err := strconv.Atoi(text)
	if err != nil || rounds < 1 {
		t.Fatalf("CHAOS_ROUNDS is %q: it has to be a number from 1", text)
	}
	return rounds, true
}

// candidate is one of the operators of a namespace, and what it calls.
type candidate struct {
	*harness.Program
	proxy *harness.Proxy
}

// leads tells whether it has written the Lease.
func (r candidate) leads() bool {
	return slices.ContainsFunc(r.proxy.Noted(), func(c harness.Call) bool {
		return c.Code < 300 && (c.Method == http.MethodPut && strings.HasSuffix(c.Path, "/leases/custom-pod-autoscaler-operator") ||
			c.Method == http.MethodPost && strings.HasSuffix(c.Path, "/leases"))
	})
}

// TestChaosOperatorsAreKilled: of two operators the one that leads is killed in the middle of its work, again and again,
// and another started. Afterwards each object has one of everything, as it was last asked for, and others' things are as they were.
func TestChaosOperatorsAreKilled(t *testing.T) {
	t.Parallel()
	const objects = 30
	rounds, long := chaosRounds(t, 10)
	namespace := harness.Deploy(t, 1)
	bystanders := []string{"serviceaccount/bystander", "role/bystander", "rolebinding/bystander", "configmap/bystander"}
	harness.Kubectl(t, "", "create", "-n", namespace, "serviceaccount", "bystander")
	harness.Kubectl(t, "", "create", "-n", namespace, "role", "bystander", "--verb=get", "--resource=pods")
	harness.Kubectl(t, "", "create", "-n", namespace, "rolebinding", "bystander", "--role=bystander", "--serviceaccount="+namespace+":bystander")
	harness.Kubectl(t, "", "create", "-n", namespace, "configmap", "bystander")
	harness.Kubectl(t, "", "label", "-n", namespace, "serviceaccount/bystander", "app.kubernetes.io/managed-by=custom-pod-autoscaler-operator")
	versions := append([]string{"get", "-n", namespace, "-o", `jsonpath={range .items[*]}{.kind} {.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}`}, bystanders...)
	before := harness.Kubectl(t, "", versions...)

	begin := func() candidate {
		proxy := harness.StartProxy(t)
		return candidate{harness.StartOperator(t, namespace, proxy.Kubeconfig, "--leader-elect", "--leader-elect-namespace", namespace), proxy}
	}
	rivals := []candidate{begin(), begin()}
	for round := range rounds {
		leader := -1
		harness.Eventually(t, "a leader", func() (bool, error) {
			leader = slices.IndexFunc(rivals, candidate.leads)
			return leader >= 0, nil
		})
		written := len(writesOf(rivals[leader].proxy))
		all := ""
		for i := range objects {
			all += "---" + strings.Replace(objectCalled(fmt.Sprintf("cpa-%d", i)), "10000", strconv.Itoa(10000+round), 1)
		}
		harness.Kubectl(t, all, "apply", "-n", namespace, "-f", "-")
		harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", fmt.Sprintf("cpa-%d", round%objects), "--wait=false") // it is created again by the next round
		harness.Eventually(t, "the leader to be at it", func() (bool, error) { return len(writesOf(rivals[leader].proxy)) >= written+7*(1+round%3), nil })
		if err := rivals[leader].Cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-rivals[leader].Exited
		if !long { // otherwise the lease runs out, after fifteen seconds
			harness.Kubectl(t, "", "delete", "-n", namespace, "lease", "custom-pod-autoscaler-operator", "--ignore-not-found")
		}
		rivals[leader] = begin()
	}
	last := ""
	for i := range objects {
		last += "---" + strings.Replace(objectCalled(fmt.Sprintf("cpa-%d", i)), "10000", "7777", 1)
	}
	harness.Kubectl(t, last, "apply", "-n", namespace, "-f", "-")
	allReady(t, namespace, objects)
	eachHasOne(t, namespace, objects)
	if after := harness.Kubectl(t, "", versions...); after != before {
		t.Errorf("of others there was\n%s\nand is\n%s", before, after)
	}
}

// eachHasOne waits until there is one of everything for each object, owned by it as it is now.
func eachHasOne(t *testing.T, namespace string, objects int) {
	t.Helper()
	const each = `{range .items[*]}{.kind} {.metadata.name} {.metadata.ownerReferences[*].uid} {.spec.template.spec.containers[0].env[?(@.name=="interval")].value}{"\n"}{end}`
	const uids = `{range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}`
	harness.Eventually(t, "one of everything for each object", func() (bool, error) {
		want := []string{}
		for line := range strings.Lines(harness.Kubectl(t, "", "get", "cpa", "-n", namespace, "-o", "jsonpath="+uids)) {
			line = strings.TrimSpace(line)
			want = append(want, "ServiceAccount "+line, "Role "+line, "RoleBinding "+line, "Deployment "+line+" 7777")
		}
		got := []string{}
		for line := range strings.Lines(harness.Kubectl(t, "", "get", "serviceaccounts,roles,rolebindings,deployments", "-n", namespace, "-l", "v1.custompodautoscaler.com/owned-by", "-o", "jsonpath="+each)) {
			got = append(got, strings.TrimSpace(line))
		}
		slices.Sort(want)
		slices.Sort(got)
		return len(want) == 4*objects && slices.Equal(got, want), fmt.Errorf("there is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	})
}
