package operator

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
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// starting is the name of a program that may be asked to end before it has begun.
const starting = "one that starts"

// ends asks programs to end at the same time, and checks that each does within ten seconds, and says so by its exit code.
func ends(t *testing.T, programs map[string]*harness.Program) {
	t.Helper()
	began := time.Now()
	for _, p := range programs {
		if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	for name, p := range programs {
		select {
		case <-p.Exited:
			t.Logf("%s ended within %s", name, time.Since(began))
		case <-time.After(time.Until(began.Add(10 * time.Second))):
			t.Errorf("%s did not end within 10s", name)
			p.Dump()
			continue
		}
		early := name == starting && p.Printed.String() == "" // it was not even at its first line
		if code := p.Cmd.ProcessState.ExitCode(); code != 0 && !early {
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
	harness.InstallCRD(t)
	harness.InstallWorkers(t, group, harness.Scalable)
	namespace, proxy := cluster.Start(t).Namespace(t), harness.StartProxy(t)
	proxy.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/apis/hanging") && harness.Never(w, r)
	})
	hanging := ""
	for i := range 10 { // of one group, and of a group each
		hanging += objectOfGroup(fmt.Sprintf("one-%d", i), group) + objectOfGroup(fmt.Sprintf("each-%d", i), fmt.Sprintf("hanging-%d.example.com", i))
	}
	harness.Kubectl(t, hanging, "create", "-n", namespace, "-f", "-")
	operator := harness.StartOperator(t, namespace, proxy.Kubeconfig)
	operator.Logs("msg=started")
	for _, when := range []string{"first", "second", "third"} {
		began := time.Now()
		harness.Kubectl(t, objectCalled(when), "create", "-n", namespace, "-f", "-")
		harness.Eventually(t, "the other object", func() (bool, error) { return strings.Contains(made(t, namespace), "deployment.apps/"+when+"\n"), nil })
		if took := time.Since(began); took > 15*time.Second { // of which most is kubectl's
			t.Errorf("the %s other object took %s", when, took)
		} else {
			t.Logf("the %s other object took %s", when, took)
		}
	}
	const ready = `jsonpath={.status.conditions[?(@.type=="Ready")].reason}: {.status.conditions[?(@.type=="Ready")].message}`
	harness.Eventually(t, "the object to say why it waits", func() (bool, error) {
		said := harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "one-0", "-o", ready)
		return harness.ContainsAll(said, []string{"Failed: asking how the API serves Worker in " + group + "/v1", "answer"}), fmt.Errorf("it says %q", said)
	})
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := operator.Call(http.MethodGet, path); got.Code != 200 {
			t.Errorf("%s is %+v", path, got)
		}
	}
	ends(t, map[string]*harness.Program{"an operator whose discovery hangs": operator})

	proxy.Answer(nil)
	harness.StartOperator(t, namespace, proxy.Kubeconfig)
	harness.Eventually(t, "the group's objects, now that it answers", func() (bool, error) {
		return strings.Count(made(t, namespace), "deployment.apps/one-") == 10, nil
	})
}

// TestOperatorEndsWhileTheAPIServerHangs, whatever the operator is at.
func TestOperatorEndsWhileTheAPIServerHangs(t *testing.T) {
	harness.InstallCRD(t)
	c := cluster.Start(t)
	namespace, proxy := c.Namespace(t), harness.StartProxy(t)
	proxy.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/deployments") && harness.Never(w, r)
	})
	lead := []string{"--leader-elect", "--leader-elect-namespace", namespace}
	leader := harness.StartOperator(t, namespace, c.Kubeconfig(), lead...)
	harness.Kubectl(t, objectCalled("before"), "create", "-n", namespace, "-f", "-")
	allReady(t, namespace, 1)
	metrics := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	programs := map[string]*harness.Program{
		"a leader": leader, "one that waits to lead": harness.StartOperator(t, namespace, c.Kubeconfig(), lead...),
		"one with callers that hang":   harness.StartOperator(t, c.Namespace(t), c.Kubeconfig(), "--metrics-address", metrics),
		"one whose caches do not fill": harness.StartOperator(t, namespace, proxy.Kubeconfig),
	}
	for _, p := range programs {
		p.Logs("msg=started")
	}
	unfilled := programs["one whose caches do not fill"]
	unfilled.Eventually("it not to be ready", func() (bool, error) {
		got, err := harness.CallBy(t, http.DefaultClient, http.MethodGet, unfilled.URL("/readyz?verbose"), "")
		return err == nil && got.Code == 500, fmt.Errorf("it is %+v, %v", got, err)
	})
	hangOn(t, metrics)
	hangOn(t, fmt.Sprintf("127.0.0.1:%d", programs["one with callers that hang"].Port))

	if err := c.Signal("kube-apiserver", syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Signal("kube-apiserver", syscall.SIGCONT) }() // it is an error after the one below if it has ended
	programs[starting] = harness.StartOperator(t, namespace, c.Kubeconfig())
	refused := &atomic.Int64{}
	behind := &proxyless{t: t, began: refused}
	programs["one that starts, and has called"] = harness.StartOperator(t, namespace, behind.kubeconfig())
	harness.Eventually(t, "its first call", func() (bool, error) { return refused.Load() > 0, nil })
	ends(t, programs)
	if err := c.Signal("kube-apiserver", syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the API server", func() (bool, error) {
		_, err := harness.Client(t).Discovery().ServerVersion()
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
		harness.Never(w, r)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	p.t.Cleanup(func() { server.Close(); <-done })
	return harness.WriteKubeconfig(p.t, "http://"+listener.Addr().String(), nil, "")
}

// hangOn opens connections that send half a request, or nothing.
func hangOn(t *testing.T, address string) {
	t.Helper()
	for _, sent := range []string{"", "GET /healthz HTTP/1.1\r\nHost: it\r\n"} {
		var conn net.Conn
		harness.Eventually(t, "the port to be open", func() (bool, error) {
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
