// Package server is the port of an autoscaler: the REST API, probes for the kubelet and series for Prometheus.
//
// Requests come in, and each is answered with its status or dropped, however it is made. Who may call, what a pass is and
// what is counted are given to it. It waits for callers, and lets none of them hold up the loop: of all passes that are
// asked for here, one at a time waits for its turn.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/net/netutil"

	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
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

	// spareConnections are for probes and Prometheus while callers use up theirs.
	spareConnections = 100
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
	sites       *http.CrossOriginProtection
	stopping    context.Context
	certificate *certificate // nil for HTTP without TLS
}

// New gives a server that does not listen yet.
func New(options Options) *Server {
	s := &Server{Options: options, places: make(chan struct{}, options.MaxRequests), line: make(chan struct{}, 1), sites: http.NewCrossOriginProtection()}
	s.routes = s.table()
	if s.CertFile != "" {
		s.certificate = &certificate{certFile: s.CertFile, keyFile: s.KeyFile, log: s.Log}
	}
	return s
}

// Listen takes the port and reads the certificate, so that it is known before anything runs whether they can be had.
func (s *Server) Listen() (net.Listener, error) {
	if s.certificate != nil {
		if err := s.certificate.read(); err != nil {
			return nil, err
		}
	}
	address := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening the port of the REST API (apiConfig.host, apiConfig.port): %w: choose another, or set apiConfig.enabled: false", err)
	}
	return netutil.LimitListener(listener, s.MaxRequests+spareConnections), nil
}

// Serve answers requests until ctx is done, and returns when the last of them has its answer. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	s.stopping = ctx
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headersWithin, ReadTimeout: requestWithin, IdleTimeout: idleFor, MaxHeaderBytes: longestHeaders,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(s.Log.Handler(), strangers),
		Protocols:   &http.Protocols{},

		DisableGeneralOptionsHandler: true, // which would answer everybody's OPTIONS *
	}
	server.Protocols.SetHTTP1(true) // a caller has one pass at a time anyway, and HTTP/2 is a lot to defend
	serve := func() error { return server.Serve(listener) }
	if s.certificate != nil {
		server.TLSConfig = &tls.Config{GetCertificate: s.certificate.current}
		serve = func() error { return server.ServeTLS(listener, "", "") }
	}
	s.Log.Info("serving", "address", listener.Addr().String(), "https", s.certificate != nil)
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() { stopped <- s.stop(server) })()
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the REST API: %w", err)
	}
	return <-stopped
}

// stop lets what is under way end.
func (s *Server) stop(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.stopping), s.Grace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stopping the REST API: some requests were dropped after %s: %w", s.Grace, err), server.Close())
	}
	return nil
}
