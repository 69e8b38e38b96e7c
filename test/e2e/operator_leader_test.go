package e2e

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// about are the writes that have to do with an object, or with what was made for it.
func (p *proxy) about(name string) []string {
	return slices.DeleteFunc(p.writes(), func(write string) bool { return !strings.Contains(write+"/", "/"+name+"/") })
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
			operate := func() (*program, *proxy) {
				proxy := startProxy(t)
				return startOperator(t, namespace, proxy.kubeconfig, "--leader-elect", "--leader-elect-namespace", namespace), proxy
			}
			first, byFirst := operate()
			kubectl(t, objectCalled("before"), "create", "-n", namespace, "-f", "-")
			allReady(t, namespace, 1)
			second, bySecond := operate()
			second.eventually("the second one to wait for its turn", func() (bool, error) {
				return slices.ContainsFunc(bySecond.noted(), func(c call) bool { return strings.HasSuffix(c.path, "/leases/custom-pod-autoscaler-operator") }), nil
			})
			for _, path := range []string{"/healthz", "/readyz"} { // it is as it should be, and a rollout need not wait for its turn
				if got := second.call(http.MethodGet, path); got.code != 200 {
					t.Errorf("%s of the one that waits is %+v", path, got)
				}
			}

			began := time.Now()
			if err := first.cmd.Process.Signal(row.ends); err != nil {
				t.Fatal(err)
			}
			<-first.exited
			if strings.Contains(first.log.String(), "level=ERROR") {
				t.Error("it says that there was an error, and it was just asked to end")
			}
			kubectl(t, objectCalled("after"), "create", "-n", namespace, "-f", "-")
			allReady(t, namespace, 2)
			if took := time.Since(began); took > row.within {
				t.Errorf("it took the other %s to go on, want %s at most", took, row.within)
			} else {
				t.Logf("the other has made an autoscaler after %s", took)
			}
			if writes := slices.Concat(byFirst.about("after"), bySecond.about("before")); len(writes) > 0 {
				t.Errorf("both wrote: %q", writes)
			}
			if len(byFirst.about("before")) == 0 || len(bySecond.about("after")) == 0 {
				t.Error("no writes were seen at all")
			}
		})
	}
}
