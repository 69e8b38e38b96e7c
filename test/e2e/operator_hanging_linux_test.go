package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// ends asks programs to end at the same time, and checks that each does within ten seconds, and says so by its exit code.
func ends(t *testing.T, programs map[string]*program) {
	t.Helper()
	began := time.Now()
	for _, p := range programs {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	for name, p := range programs {
		select {
		case <-p.exited:
			t.Logf("%s ended within %s", name, time.Since(began))
		case <-time.After(time.Until(began.Add(10 * time.Second))):
			t.Errorf("%s did not end within 10s", name)
			p.dump()
			continue
		}
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s ended with %d", name, code)
		}
	}
}

// objectOfGroup is an object whose target is a Worker of a group.
func objectOfGroup(name, group string) string {
	return "---" + strings.Replace(objectCalled(name), "{apiVersion: apps/v1, kind: Deployment", "{apiVersion: "+group+"/v1, kind: Worker", 1)
}

func TestOperatorGoesOnWhileAGroupIsNotAnswered(t *testing.T) {
	t.Parallel()
	const group = "hanging.example.com"
	installCRD(t)
	installWorkers(t, group, scalable)
	namespace, proxy := cluster.Start(t).Namespace(t), startProxy(t)
	proxy.answer(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/apis/hanging") && never(w, r)
	})
	hanging := ""
	for i := range 10 { // of one group, and of a group each
		hanging += objectOfGroup(fmt.Sprintf("one-%d", i), group) + objectOfGroup(fmt.Sprintf("each-%d", i), fmt.Sprintf("hanging-%d.example.com", i))
	}
	kubectl(t, hanging, "create", "-n", namespace, "-f", "-")
	operator := startOperator(t, namespace, proxy.kubeconfig)
	operator.logs("msg=started")
	for _, when := range []string{"first", "second", "third"} {
		began := time.Now()
		kubectl(t, objectCalled(when), "create", "-n", namespace, "-f", "-")
		eventually(t, "the other object", func() (bool, error) { return strings.Contains(made(t, namespace), "deployment.apps/"+when+"\n"), nil })
		if took := time.Since(began); took > 15*time.Second { // of which most is kubectl's
			t.Errorf("the %s other object took %s", when, took)
		} else {
			t.Logf("the %s other object took %s", when, took)
		}
	}
	const ready = `jsonpath={.status.conditions[?(@.type=="Ready")].reason}: {.status.conditions[?(@.type=="Ready")].message}`
	eventually(t, "the object to say why it waits", func() (bool, error) {
		said := kubectl(t, "", "get", "-n", namespace, "cpa", "one-0", "-o", ready)
		return containsAll(said, []string{"Failed: asking how the API serves Worker in " + group + "/v1", "answer"}), fmt.Errorf("it says %q", said)
	})
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := operator.call(http.MethodGet, path); got.code != 200 {
			t.Errorf("%s is %+v", path, got)
		}
	}
	ends(t, map[string]*program{"an operator whose discovery hangs": operator})

	proxy.answer(nil)
	startOperator(t, namespace, proxy.kubeconfig)
	eventually(t, "the group's objects, now that it answers", func() (bool, error) {
		return strings.Count(made(t, namespace), "deployment.apps/one-") == 10, nil
	})
}

// TestOperatorEndsWhileTheAPIServerHangs, whatever the operator is at.
func TestOperatorEndsWhileTheAPIServerHangs(t *testing.T) {
	installCRD(t)
	c := cluster.Start(t)
	namespace, proxy := c.Namespace(t), startProxy(t)
	proxy.answer(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/deployments") && never(w, r)
	})
	lead := []string{"--leader-elect", "--leader-elect-namespace", namespace}
	leader := startOperator(t, namespace, c.Kubeconfig(), lead...)
	kubectl(t, objectCalled("before"), "create", "-n", namespace, "-f", "-")
	allReady(t, namespace, 1)
	metrics := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	programs := map[string]*program{
		"a leader": leader, "one that waits to lead": startOperator(t, namespace, c.Kubeconfig(), lead...),
		"one with callers that hang":   startOperator(t, c.Namespace(t), c.Kubeconfig(), "--metrics-address", metrics),
		"one whose caches do not fill": startOperator(t, namespace, proxy.kubeconfig),
	}
	for _, p := range programs {
		p.logs("msg=started")
	}
	unfilled := programs["one whose caches do not fill"]
	unfilled.eventually("it not to be ready", func() (bool, error) {
		got, err := callBy(t, http.DefaultClient, http.MethodGet, unfilled.url("/readyz?verbose"), "")
		return err == nil && got.code == 500, fmt.Errorf("it is %+v, %v", got, err)
	})
	hangOn(t, metrics)
	hangOn(t, fmt.Sprintf("127.0.0.1:%d", programs["one with callers that hang"].port))

	if err := c.Signal("kube-apiserver", syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Signal("kube-apiserver", syscall.SIGCONT) }() // it is an error after the one below if it has ended
	programs["one that starts"] = startOperator(t, namespace, c.Kubeconfig())
	refused := &atomic.Int64{}
	behind := &proxyless{t: t, began: refused}
	programs["one that starts, and has called"] = startOperator(t, namespace, behind.kubeconfig())
	eventually(t, "its first call", func() (bool, error) { return refused.Load() > 0, nil })
	ends(t, programs)
	if err := c.Signal("kube-apiserver", syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the API server", func() (bool, error) {
		_, err := client(t).Discovery().ServerVersion()
		return err == nil, err
	})
}

// proxyless is a server that accepts connections and answers nothing.
type proxyless struct {
	t     *testing.T
	began *atomic.Int64
}

func (p *proxyless) kubeconfig() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.began.Add(1)
		never(w, r)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	p.t.Cleanup(func() { server.Close(); <-done })
	return kubeconfig(p.t, "http://"+listener.Addr().String(), nil, "")
}

// hangOn opens connections that send half a request, or nothing.
func hangOn(t *testing.T, address string) {
	t.Helper()
	for _, sent := range []string{"", "GET /healthz HTTP/1.1\r\nHost: it\r\n"} {
		var conn net.Conn
		eventually(t, "the port to be open", func() (bool, error) {
			var err error
			conn, err = net.Dial("tcp", address)
			return err == nil, err
		})
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
	}
}
