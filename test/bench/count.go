package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// keptDocuments are how many of the metric method's documents are kept. Those of 5,000 pods with the metrics of all of
// them are gigabytes, and each is as long as the next.
const keptDocuments = 100

// counted is what a pass asks of others. It is the same for every kind of user logic: all are given the same documents.
type counted struct {
	reads    []read // of the API server, in their order
	metric   [][]byte
	runs     int // of the metric method
	evaluate []byte
	bytes    int64 // of all documents
}

// documents are those of a pass; where some were not kept, others stand in for them.
func (c counted) documents() []document {
	var all []document
	for i := range c.runs {
		all = append(all, document{"metric", c.metric[i%len(c.metric)]})
	}
	return append(all, document{"evaluate", c.evaluate})
}

// counter stands between a program and all that it calls: kube-apiserver, which it asks as the administrator, and user
// logic, in whose place it replies.
type counter struct {
	mutex sync.Mutex
	soFar counted
}

// count makes a pass of the case with a server as user logic, behind a proxy. The pass before it has asked where things are
// served, and begun what is kept.
func (b *bench) count(ctx context.Context, c benchCase) (counted, error) {
	counter := &counter{}
	server := httptest.NewServer(http.HandlerFunc(counter.replies))
	defer server.Close()
	proxy, err := counter.proxy(b.cluster.Config())
	if err != nil {
		return counted{}, err
	}
	defer proxy.Close()
	kubeconfig := filepath.Join(b.site.dir, "kubeconfig")
	if err := writeKubeconfig(kubeconfig, proxy.URL); err != nil {
		return counted{}, err
	}
	p, err := b.start(ctx, kubeconfig, c, httpSettings(site{server: server.URL}), "")
	if err != nil {
		return counted{}, err
	}
	defer p.stop()
	for range 2 {
		counter.reset()
		if _, err := p.pass(ctx, c); err != nil {
			return counted{}, err
		}
	}
	found := counter.reset()
	if found.runs == 0 || found.evaluate == nil {
		return counted{}, fmt.Errorf("counting what a pass asks: the program called metric %d times", found.runs)
	}
	return found, nil
}

func (c *counter) reset() counted {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	found := c.soFar
	c.soFar = counted{}
	return found
}

// replies stands in for user logic.
func (c *counter) replies(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	reply(w, r)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.soFar.bytes += int64(len(text))
	if strings.TrimPrefix(r.URL.Path, "/") == "evaluate" {
		c.soFar.evaluate = text
		return
	}
	c.soFar.runs++
	if len(c.soFar.metric) < keptDocuments {
		c.soFar.metric = append(c.soFar.metric, text)
	}
}

// proxy stands in front of kube-apiserver, without TLS.
func (c *counter) proxy(config *rest.Config) (*httptest.Server, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("making the proxy's client: %w", err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		return nil, err
	}
	behind := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1, // a watch is told at once
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(server) },
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mutex.Lock()
		c.soFar.reads = append(c.soFar.reads, read{r.Method, r.URL.RequestURI(), r.Header.Get("Accept"), r.Header.Get("Accept-Encoding")})
		c.mutex.Unlock()
		behind.ServeHTTP(w, r)
	})), nil
}

func writeKubeconfig(path, server string) error {
	err := clientcmd.WriteToFile(api.Config{
		Clusters:       map[string]*api.Cluster{"it": {Server: server}},
		AuthInfos:      map[string]*api.AuthInfo{"it": {}},
		Contexts:       map[string]*api.Context{"it": {Cluster: "it", AuthInfo: "it"}},
		CurrentContext: "it",
	}, path)
	if err != nil {
		return fmt.Errorf("writing the proxy's kubeconfig: %w", err)
	}
	return nil
}
