package e2e

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/custom-pod-autoscaler/autoscaler/test/cluster"
)

// door is an address of the API server that can be shut: then it hangs up, on what is open, too.
type door struct {
	*testing.T
	address, behind string
	end             func()
	refused         atomic.Int64
}

func newDoor(t *testing.T) *door {
	t.Helper()
	behind, err := clientcmd.BuildConfigFromFlags("", startProxy(t).kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{T: t, address: "127.0.0.1:0", behind: strings.TrimPrefix(behind.Host, "http://"), end: func() {}}
	t.Cleanup(func() { d.end() })
	return d
}

// opens and shuts begin anew under the same address.
func (d *door) opens() { d.Helper(); d.with(dialing("tcp", d.behind)) }

func (d *door) shuts() {
	d.Helper()
	d.with(func(context.Context, net.Conn) (net.Conn, error) {
		d.refused.Add(1)
		return nil, errors.New("shut")
	})
}

func (d *door) with(dial func(context.Context, net.Conn) (net.Conn, error)) {
	d.Helper()
	d.end()
	listener, err := net.Listen("tcp", d.address)
	if err != nil {
		d.Fatal(err)
	}
	d.address = listener.Addr().String()
	d.end = startRelay(listener, dial)
}

func (d *door) kubeconfig() string { d.Helper(); return kubeconfig(d.T, "http://"+d.address, nil, "") }

// refuses waits for so many further calls that get no answer.
func (d *door) refuses(more int64) {
	d.Helper()
	before := d.refused.Load()
	eventually(d.T, "calls that get no answer", func() (bool, error) { return d.refused.Load() >= before+more, nil })
}

func TestTheOperatorGoesOnAfterTheAPIServerWasAway(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	door := newDoor(t)
	door.opens()
	operator := startOperator(t, namespace, door.kubeconfig())
	kubectl(t, autoscalerObject, "create", "-n", namespace, "-f", "-")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")

	mark := operator.mark()
	door.shuts()
	kubectl(t, strings.Replace(autoscalerObject, "10000", "7000", 1), "apply", "-n", namespace, "-f", "-")
	kubectl(t, "", "delete", "-n", namespace, "role", "web-autoscaler")
	door.refuses(60)
	for _, path := range []string{"/healthz", "/readyz"} { // a new start would not help
		if got := operator.call("GET", path); got.code != 200 {
			t.Errorf("%s is %+v", path, got)
		}
	}
	if said := strings.Count(operator.log.String()[mark:], "\n"); said > 30 { // of each kind of object now and then
		t.Errorf("it says so in %d lines", said)
	} else {
		t.Logf("it says so in %d lines", said)
	}

	door.opens()
	eventually(t, "the change to arrive", func() (bool, error) {
		return environmentOf(autoscalerOf(t, namespace))["interval"] == "7000", nil
	})
	kubectl(t, "", "wait", "-n", namespace, "--for=create", "--timeout=60s", "role/web-autoscaler")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
}
