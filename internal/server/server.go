// Package server is the port of an autoscaler: the REST API, probes for the kubelet and series for Prometheus.
//
// Requests come in, and each is answered with its status or dropped, however it is made. Who may call, what a pass is and
// what is counted are given to it. It waits for callers, and lets none of them hold up the loop: of all passes that are
// asked for here, one at a time waits for its turn.
package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

const (
	headersWithin = 10 * time.Second // from the first byte, and for the TLS handshake before it
	requestWithin = 20 * time.Second // with its body
	answerWithin  = 20 * time.Second // from when there is one
	idleFor       = 30 * time.Second

	longestHeaders = 16 << 10
	longestBody    = 1 << 20

	// strangers is the level at which is logged what they do wrong before a request can be read: that of logVerbosity 3.
	strangers = slog.Level(-3)

	// spareConnections are for probes, Prometheus and clients that have sent no request yet, while callers use up theirs.
	spareConnections = 256

	// mostAnswering of them may wait for an open answer to be taken.
	mostAnswering = spareConnections / 2
)

// Autoscaler makes the passes that callers ask for. It begins none for a caller that is gone when its turn has come, and
// lets what has begun go on until ctx is done.
type Autoscaler interface {
	Measure(ctx context.Context, gone <-chan struct{}, runType userlogic.RunType) ([]userlogic.ResourceMetric, error)
	Evaluate(ctx context.Context, gone <-chan struct{}, runType userlogic.RunType) (userlogic.RESTEvaluation, error)
}

// Record has the last passes, newest first: of one run type, or of all where it is empty.
type Record interface {
	Decisions(of userlogic.RunType, most int) []userlogic.Decision
}

// Options are what the server is made of.
type Options struct {
	Host              string
	Port              int
	ProbePort         int    // of the probes alone, over HTTP without TLS; 0 for none
	CertFile, KeyFile string // empty for HTTP without TLS
	MaxRequests       int
	MaxDecisions      int           // that are told of a time
	Grace             time.Duration // for what is under way when it is stopped

	Autoscaler   Autoscaler
	Record       Record
	Alive, Ready func() error
	Metrics      http.Handler
	Answered     func(path string, code int)

	// Admit lets a caller in that is not on loopback, or says why not: an error with a method Code says with which status.
	// Nil lets everybody in.
	Admit        func(*http.Request) error
	AdmitMetrics bool // whether that goes for Prometheus, too

	Log *slog.Logger
}

// Server answers requests.
type Server struct {
	Options
	routes      map[string]route
	places      chan struct{} // a token for each request that is served
	line        chan struct{} // a token for the caller whose pass is next
	stopping    context.Context
	certificate *certificate // nil for HTTP without TLS
	probes      net.Listener // nil where there is no port of their own
}

// New gives a server that does not listen yet.
func New(options Options) *Server {
	s := &Server{Options: options, places: make(chan struct{}, options.MaxRequests), line: make(chan struct{}, 1)}
	s.routes = s.table()
	if s.CertFile != "" {
		s.certificate = &certificate{certFile: s.CertFile, keyFile: s.KeyFile, log: s.Log}
	}
	return s
}

// Listen takes the port and reads the certificate, so that it is known before anything runs whether they can be had. The
// probes' own port is taken as well; where that is not possible they stay on the main port alone.
func (s *Server) Listen() (net.Listener, error) {
	if s.certificate != nil {
		if err := s.certificate.read(); err != nil {
			return nil, err
		}
	}
	listener, err := s.listen(s.Port)
	if err != nil {
		return nil, fmt.Errorf("opening the port of the REST API (apiConfig.host, apiConfig.port): %w: choose another, or set apiConfig.enabled: false", err)
	}
	if s.ProbePort != 0 {
		if s.probes, err = s.listen(s.ProbePort); err != nil {
			s.probes = nil
			s.Log.Warn("opening the port of the probes (apiConfig.probePort) failed; they are served on apiConfig.port only: "+
				"choose another port, or set apiConfig.probePort: 0", "probePort", s.ProbePort, "port", s.Port, "err", err)
		}
	}
	return listener, nil
}

func (s *Server) listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort(s.Host, strconv.Itoa(port)))
}

// Serve answers requests until ctx is done, and returns when the last of them has its answer. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	s.stopping = ctx
	var probing sync.WaitGroup
	defer probing.Wait()
	ctx, cancel := context.WithCancel(ctx) // the probes' port is not served for longer than the main one
	defer cancel()
	if s.probes != nil {
		probing.Go(func() { s.serveProbes(ctx) })
	}
	main := s.newPort(listener, s, s.MaxRequests+spareConnections)
	if s.certificate != nil {
		main.server.TLSConfig = &tls.Config{GetCertificate: s.certificate.current}
	}
	s.Log.Info("serving", "address", listener.Addr().String(), "https", s.certificate != nil)
	if err := main.serve(ctx); err != nil {
		return fmt.Errorf("serving the REST API: %w", err)
	}
	return nil
}

// serveProbes answers on the probes' own port until ctx is done. The main port goes on without it.
func (s *Server) serveProbes(ctx context.Context) {
	s.Log.Info("serving the probes", "address", s.probes.Addr().String())
	if err := s.newPort(s.probes, http.HandlerFunc(s.serveProbe), spareConnections).serve(ctx); err != nil {
		s.Log.Warn("serving the probes on their own port (apiConfig.probePort) ended", "err", err)
	}
}
