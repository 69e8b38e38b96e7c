package operator

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// door is an address of the API server that can be shut: then it hangs up, on what is open, too. It keeps its port all the while,
// which another program could take otherwise.
type door struct {
	*testing.T
	address string
	refused atomic.Int64

	mutex sync.Mutex
	shut  bool
	open  []net.Conn // behind it
}

func newDoor(t *testing.T) *door {
	t.Helper()
	behind, err := clientcmd.BuildConfigFromFlags("", harness.StartProxy(t).Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{T: t, address: listener.Addr().String()}
	dial := harness.Dialing("tcp", strings.TrimPrefix(behind.Host, "http://"))
	t.Cleanup(harness.StartRelay(listener, func(ctx context.Context, from net.Conn) (net.Conn, error) {
		to, err := dial(ctx, from)
		if err != nil {
			return nil, err
		}
		return d.enters(to)
	}))
	return d
}

func (d *door) enters(to net.Conn) (net.Conn, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.shut {
		d.refused.Add(1)
		return nil, errors.Join(errors.New("shut"), to.Close())
	}
	d.open = append(d.open, to)
	return to, nil
}

func (d *door) shuts() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.shut = true
	for _, conn := range d.open {
		_ = conn.Close() // it may be closed already
	}
	d.open = nil
}

func (d *door) opens() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.shut = false
}

func (d *door) kubeconfig() string {
	d.Helper()
	return harness.WriteKubeconfig(d.T, "http://"+d.address, nil, "")
}

// refuses waits for so many further calls that get no answer.
func (d *door) refuses(more int64) {
	d.Helper()
	before := d.refused.Load()
	harness.Eventually(d.T, "calls that get no answer", func() (bool, error) { return d.refused.Load() >= before+more, nil })
}

func TestTheOperatorGoesOnAfterTheAPIServerWasAway(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	door := newDoor(t)
	operator := harness.StartOperator(t, namespace, door.kubeconfig())
	harness.Kubectl(t, harness.AutoscalerObject, "create", "-n", namespace, "-f", "-")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")

	mark := operator.Mark()
	door.shuts()
	harness.Kubectl(t, strings.Replace(harness.AutoscalerObject, "10000", "7000", 1), "apply", "-n", namespace, "-f", "-")
	harness.Kubectl(t, "", "delete", "-n", namespace, "role", "web-autoscaler")
	door.refuses(60)
	for _, path := range []string{"/healthz", "/readyz"} { // a new start would not help
		if got := operator.Call("GET", path); got.Code != 200 {
			t.Errorf("%s is %+v", path, got)
		}
	}
	if said := strings.Count(operator.Printed.String()[mark:], "\n"); said > 30 { // of each kind of object now and then
		t.Errorf("it says so in %d lines", said)
	} else {
		t.Logf("it says so in %d lines", said)
	}

	door.opens()
	harness.Eventually(t, "the change to arrive", func() (bool, error) {
		return harness.EnvironmentOf(harness.AutoscalerOf(t, namespace))["interval"] == "7000", nil
	})
	harness.Kubectl(t, "", "wait", "-n", namespace, "--for=create", "--timeout=60s", "role/web-autoscaler")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
}
