package operator

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// writesAbout are the writes that have to do with an object, or with what was made for it.
func writesAbout(p *harness.Proxy, name string) []string {
	return slices.DeleteFunc(writesOf(p), func(write string) bool { return !strings.Contains(write+"/", "/"+name+"/") })
}

func TestOneOperatorWorksAndAnotherTakesItsPlace(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		ends   os.Signal
		within time.Duration
	}{
		{"asked to end, it gives the lease back", syscall.SIGTERM, 10 * time.Second},  // the other asks every two
		{"killed, it leaves the lease to run out", syscall.SIGKILL, 30 * time.Second}, // after fifteen
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			namespace := cluster.Start(t).Namespace(t)
			operate := func() (*harness.Program, *harness.Proxy) {
				proxy := harness.StartProxy(t)
				return harness.StartOperator(t, namespace, proxy.Kubeconfig, "--leader-elect", "--leader-elect-namespace", namespace), proxy
			}
			first, byFirst := operate()
			harness.Kubectl(t, objectCalled("before"), "create", "-n", namespace, "-f", "-")
			allReady(t, namespace, 1)
			second, bySecond := operate()
			second.Eventually("the second one to wait for its turn", func() (bool, error) {
				return slices.ContainsFunc(bySecond.Noted(), func(c harness.Call) bool { return strings.HasSuffix(c.Path, "/leases/custom-pod-autoscaler-operator") }), nil
			})
			for _, path := range []string{"/healthz", "/readyz"} { // it is as it should be, and a rollout need not wait for its turn
				if got := second.Call(http.MethodGet, path); got.Code != 200 {
					t.Errorf("%s of the one that waits is %+v", path, got)
				}
			}

			began := time.Now()
			if err := first.Cmd.Process.Signal(row.ends); err != nil {
				t.Fatal(err)
			}
			<-first.Exited
			if strings.Contains(first.Printed.String(), "level=ERROR") {
				t.Error("it says that there was an error, and it was just asked to end")
			}
			harness.Kubectl(t, objectCalled("after"), "create", "-n", namespace, "-f", "-")
			allReady(t, namespace, 2)
			if took := time.Since(began); took > row.within {
				t.Errorf("it took the other %s to go on, want %s at most", took, row.within)
			} else {
				t.Logf("the other has made an autoscaler after %s", took)
			}
			if writes := slices.Concat(writesAbout(byFirst, "after"), writesAbout(bySecond, "before")); len(writes) > 0 {
				t.Errorf("both wrote: %q", writes)
			}
			if len(writesAbout(byFirst, "before")) == 0 || len(writesAbout(bySecond, "after")) == 0 {
				t.Error("no writes were seen at all")
			}
		})
	}
}
