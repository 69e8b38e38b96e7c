package harness

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// Proxy stands between a program and kube-apiserver, on loopback and without TLS: it notes what is asked and
// answered, and answers in kube-apiserver's place where a test wants it to. It asks as the administrator.
type Proxy struct {
	Kubeconfig string
	HangUpAll  func() // ends every connection that there is

	mu      sync.Mutex
	calls   []Call
	instead func(http.ResponseWriter, *http.Request) bool // tells whether it answered; nil never does
	Saw     func(Call)                                    // is called with each call that kube-apiserver answered, if not nil
}

// Call is one request, and its answer's code and content type.
type Call struct {
	Method, Path, accept string
	Query                url.Values
	Code                 int
	contentType          string
}

// StartProxy starts one, and ends it with the test.
func StartProxy(t testing.TB) *Proxy {
	t.Helper()
	return StartProxyWith(t, cluster.Start(t).Config())
}

// StartProxyWith starts one that asks as the configuration says.
func StartProxyWith(t testing.TB, config *rest.Config) *Proxy {
	t.Helper()
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{}
	behind := &httputil.ReverseProxy{
		Transport:      transport,
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(server) },
		ModifyResponse: p.note,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if instead := p.inFront(); instead == nil || !instead(w, r) {
			behind.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	p.HangUpAll = front.CloseClientConnections
	p.Kubeconfig = WriteKubeconfig(t, front.URL, nil, "")
	return p
}

func (p *Proxy) note(response *http.Response) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	request := response.Request
	made := Call{
		Method: request.Method, Path: request.URL.Path, accept: request.Header.Get("Accept"), Query: request.URL.Query(),
		Code: response.StatusCode, contentType: response.Header.Get("Content-Type"),
	}
	if p.calls = append(p.calls, made); p.Saw != nil {
		p.Saw(made)
	}
	return nil
}

// Noted gives the calls so far that kube-apiserver answered.
func (p *Proxy) Noted() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Call(nil), p.calls...)
}

func (p *Proxy) inFront() func(http.ResponseWriter, *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.instead
}

// Answer makes the function answer from now on; nil lets kube-apiserver answer again.
func (p *Proxy) Answer(instead func(http.ResponseWriter, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = instead
}

// Never is the answer of a server that accepts requests and is stuck with them. That the caller has given up is noticed
// only once its body has been read.
func Never(_ http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	return true
}

// HangUp is the answer of a load balancer whose servers are gone.
func HangUp(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// String is the call without its namespace, and what kind of document the answer is:
// GET apps/v1 deployments/web/scale protobuf
func (c Call) String() string {
	path := strings.TrimPrefix(strings.TrimPrefix(c.Path, "/apis/"), "/api/")
	version, resource, found := strings.Cut(path, "/namespaces/")
	words := []string{c.Method, version}
	if _, resource, _ = strings.Cut(resource, "/"); found {
		for key, values := range c.Query {
			resource += "?" + key + "=" + values[0]
		}
		words = append(words, resource)
	}
	switch {
	case c.contentType == "application/vnd.kubernetes.protobuf" && strings.HasPrefix(c.accept, c.contentType+","):
		return strings.Join(append(words, "protobuf"), " ")
	case c.contentType == "application/json":
		return strings.Join(append(words, "JSON"), " ")
	}
	return strings.Join(append(words, c.contentType, "of", c.accept), " ")
}

// Refuse answers with an error of the API.
func Refuse(code int32, reason metav1.StatusReason) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(code))
		fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "for a test", "reason": %q, "code": %d}`, reason, code)
		return true
	}
}
