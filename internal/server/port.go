package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/connections"
)

// port serves one listener, with a bound on its connections and a deadline for each part of a request.
type port struct {
	server *http.Server
	open   *connections.Set
	grace  time.Duration
}

func (s *Server) newPort(listener net.Listener, handler http.Handler, mostConnections int) *port {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headersWithin, ReadTimeout: requestWithin, IdleTimeout: idleFor, MaxHeaderBytes: longestHeaders,
		BaseContext: func(net.Listener) context.Context { return s.stopping },
		ConnContext: connections.With, ConnState: connections.State,
		ErrorLog:  slog.NewLogLogger(s.Log.Handler(), strangers),
		Protocols: &http.Protocols{},

		DisableGeneralOptionsHandler: true, // which would answer everybody's OPTIONS *
	}
	server.Protocols.SetHTTP1(true) // a caller has one pass at a time anyway, and HTTP/2 is a lot to defend
	open := connections.New(listener, mostConnections, mostAnswering)
	server.RegisterOnShutdown(open.CloseWaiting) // what has no whole request does not hold up the end
	return &port{server, open, s.Grace}
}

// serve answers until ctx is done, and returns when the last request has its answer.
func (p *port) serve(ctx context.Context) error {
	serve := func() error { return p.server.Serve(p.open) }
	if p.server.TLSConfig != nil {
		serve = func() error { return p.server.ServeTLS(p.open, "", "") }
	}
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() { stopped <- p.stop(ctx) })()
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// stop lets what is under way end.
func (p *port) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.grace)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stopping: some requests were dropped after %s: %w", p.grace, err), p.server.Close())
	}
	return nil
}
