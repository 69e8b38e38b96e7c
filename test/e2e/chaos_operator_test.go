package e2e

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
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
	*program
	proxy *proxy
}

// leads tells whether it has written the Lease.
func (r candidate) leads() bool {
	return slices.ContainsFunc(r.proxy.noted(), func(c call) bool {
		return c.code < 300 && (c.method == http.MethodPut && strings.HasSuffix(c.path, "/leases/custom-pod-autoscaler-operator") ||
			c.method == http.MethodPost && strings.HasSuffix(c.path, "/leases"))
	})
}

// TestChaosOperatorsAreKilled: of two operators the one that leads is killed in the middle of its work, again and again,
// and another started. Afterwards each object has one of everything, as it was last asked for, and others' things are as they were.
func TestChaosOperatorsAreKilled(t *testing.T) {
	t.Parallel()
	const objects = 30
	rounds, long := chaosRounds(t, 10)
	namespace := deploy(t, 1)
	bystanders := []string{"serviceaccount/bystander", "role/bystander", "rolebinding/bystander", "configmap/bystander"}
	kubectl(t, "", "create", "-n", namespace, "serviceaccount", "bystander")
	kubectl(t, "", "create", "-n", namespace, "role", "bystander", "--verb=get", "--resource=pods")
	kubectl(t, "", "create", "-n", namespace, "rolebinding", "bystander", "--role=bystander", "--serviceaccount="+namespace+":bystander")
	kubectl(t, "", "create", "-n", namespace, "configmap", "bystander")
	kubectl(t, "", "label", "-n", namespace, "serviceaccount/bystander", "app.kubernetes.io/managed-by=custom-pod-autoscaler-operator")
	versions := append([]string{"get", "-n", namespace, "-o", `jsonpath={range .items[*]}{.kind} {.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}`}, bystanders...)
	before := kubectl(t, "", versions...)

	begin := func() candidate {
		proxy := startProxy(t)
		return candidate{startOperator(t, namespace, proxy.kubeconfig, "--leader-elect", "--leader-elect-namespace", namespace), proxy}
	}
	rivals := []candidate{begin(), begin()}
	for round := range rounds {
		leader := -1
		eventually(t, "a leader", func() (bool, error) {
			leader = slices.IndexFunc(rivals, candidate.leads)
			return leader >= 0, nil
		})
		written := len(rivals[leader].proxy.writes())
		all := ""
		for i := range objects {
			all += "---" + strings.Replace(objectCalled(fmt.Sprintf("cpa-%d", i)), "10000", strconv.Itoa(10000+round), 1)
		}
		kubectl(t, all, "apply", "-n", namespace, "-f", "-")
		kubectl(t, "", "delete", "-n", namespace, "cpa", fmt.Sprintf("cpa-%d", round%objects), "--wait=false") // it is created again by the next round
		eventually(t, "the leader to be at it", func() (bool, error) { return len(rivals[leader].proxy.writes()) >= written+7*(1+round%3), nil })
		if err := rivals[leader].cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-rivals[leader].exited
		if !long { // otherwise the lease runs out, after fifteen seconds
			kubectl(t, "", "delete", "-n", namespace, "lease", "custom-pod-autoscaler-operator", "--ignore-not-found")
		}
		rivals[leader] = begin()
	}
	last := ""
	for i := range objects {
		last += "---" + strings.Replace(objectCalled(fmt.Sprintf("cpa-%d", i)), "10000", "7777", 1)
	}
	kubectl(t, last, "apply", "-n", namespace, "-f", "-")
	allReady(t, namespace, objects)
	eachHasOne(t, namespace, objects)
	if after := kubectl(t, "", versions...); after != before {
		t.Errorf("of others there was\n%s\nand is\n%s", before, after)
	}
}

// eachHasOne waits until there is one of everything for each object, owned by it as it is now.
func eachHasOne(t *testing.T, namespace string, objects int) {
	t.Helper()
	const each = `{range .items[*]}{.kind} {.metadata.name} {.metadata.ownerReferences[*].uid} {.spec.template.spec.containers[0].env[?(@.name=="interval")].value}{"\n"}{end}`
	const uids = `{range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}`
	eventually(t, "one of everything for each object", func() (bool, error) {
		want := []string{}
		for line := range strings.Lines(kubectl(t, "", "get", "cpa", "-n", namespace, "-o", "jsonpath="+uids)) {
			line = strings.TrimSpace(line)
			want = append(want, "ServiceAccount "+line, "Role "+line, "RoleBinding "+line, "Deployment "+line+" 7777")
		}
		got := []string{}
		for line := range strings.Lines(kubectl(t, "", "get", "serviceaccounts,roles,rolebindings,deployments", "-n", namespace, "-l", "v1.custompodautoscaler.com/owned-by", "-o", "jsonpath="+each)) {
			got = append(got, strings.TrimSpace(line))
		}
		slices.Sort(want)
		slices.Sort(got)
		return len(want) == 4*objects && slices.Equal(got, want), fmt.Errorf("there is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	})
}
