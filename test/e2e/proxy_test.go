package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// proxy stands between a program and kube-apiserver, on loopback and without TLS: it notes what is asked and
// answered, and answers in kube-apiserver's place where a test wants it to. It asks as the administrator.
type proxy struct {
	kubeconfig string
	hangUpAll  func() // ends every connection that there is

	mu      sync.Mutex
	calls   []call
	instead func(http.ResponseWriter, *http.Request) bool // tells whether it answered; nil never does
	saw     func(call)                                    // is called with each call that kube-apiserver answered, if not nil
}

// call is one request, and its answer's code and content type.
type call struct {
	method, path, accept string
	query                url.Values
	code                 int
	contentType          string
}

func startProxy(t testing.TB) *proxy {
	t.Helper()
	return startProxyWith(t, cluster.Start(t).Config())
}

// startProxyAs is a proxy that asks as the owner of the token. The program has no token of its own: client-go sends none without TLS.
func startProxyAs(t testing.TB, token string) *proxy {
	t.Helper()
	config := cluster.Start(t).Config()
	return startProxyWith(t, &rest.Config{Host: config.Host, TLSClientConfig: rest.TLSClientConfig{CAData: config.CAData}, BearerToken: token})
}

func startProxyWith(t testing.TB, config *rest.Config) *proxy {
	t.Helper()
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
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
	p.hangUpAll = front.CloseClientConnections
	p.kubeconfig = kubeconfig(t, front.URL, nil, "")
	return p
}

func (p *proxy) note(response *http.Response) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	request := response.Request
	made := call{
		method: request.Method, path: request.URL.Path, accept: request.Header.Get("Accept"), query: request.URL.Query(),
		code: response.StatusCode, contentType: response.Header.Get("Content-Type"),
	}
	if p.calls = append(p.calls, made); p.saw != nil {
		p.saw(made)
	}
	return nil
}

// noted gives the calls so far that kube-apiserver answered.
func (p *proxy) noted() []call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]call(nil), p.calls...)
}

func (p *proxy) inFront() func(http.ResponseWriter, *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.instead
}

// answer makes the function answer from now on; nil lets kube-apiserver answer again.
func (p *proxy) answer(instead func(http.ResponseWriter, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = instead
}

// never is the answer of a server that accepts requests and is stuck with them. That the caller has given up is noticed
// only once its body has been read.
func never(_ http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	return true
}

// hangUp is the answer of a load balancer whose servers are gone.
func hangUp(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// kubeconfig writes one for a server, and gives its path.
func kubeconfig(t testing.TB, server string, ca []byte, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(api.Config{
		Clusters:       map[string]*api.Cluster{"it": {Server: server, CertificateAuthorityData: ca}},
		AuthInfos:      map[string]*api.AuthInfo{"it": {Token: token}},
		Contexts:       map[string]*api.Context{"it": {Cluster: "it", AuthInfo: "it"}},
		CurrentContext: "it",
	}, path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
