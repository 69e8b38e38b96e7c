package server

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/propagation"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// metrics is GET /api/v1/metrics: what the metric method says now.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	runType, err := runType(r)
	if err != nil {
		return err
	}
	return inLine(s, w, r, func(ctx context.Context, gone <-chan struct{}) ([]userlogic.ResourceMetric, error) {
		metrics, err := s.Autoscaler.Measure(ctx, gone, runType)
		return append([]userlogic.ResourceMetric{}, metrics...), err // [] where there are none, and not null
	})
}

// evaluation is POST /api/v1/evaluation: a pass now.
func (s *Server) evaluation(w http.ResponseWriter, r *http.Request) error {
	runType, err := runType(r)
	if err != nil {
		return err
	}
	return inLine(s, w, r, func(ctx context.Context, gone <-chan struct{}) (userlogic.RESTEvaluation, error) {
		return s.Autoscaler.Evaluate(ctx, gone, runType)
	})
}

// traceContext is how a caller says which trace the pass is part of.
var traceContext propagation.TraceContext

// inLine waits until the callers before have had their passes, makes one and answers with what came of it. A caller that
// goes away while it waits loses its place; a pass that has begun goes on to its end, unless the program is stopping.
func inLine[T any](s *Server, w http.ResponseWriter, r *http.Request, pass func(ctx context.Context, gone <-chan struct{}) (T, error)) error {
	gone := r.Context().Done()
	select {
	case s.line <- struct{}{}:
		defer func() { <-s.line }()
	case <-gone:
		return s.tooLate()
	}
	traced := traceContext.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, cancel := context.WithCancel(context.WithoutCancel(traced))
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	document, err := pass(ctx, gone)
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return s.tooLate()
	case err != nil:
		return err
	}
	return send(w, http.StatusOK, document)
}

// tooLate is the answer where none can be given any more.
func (s *Server) tooLate() error {
	if s.stopping.Err() != nil {
		return refusal{http.StatusServiceUnavailable, "the autoscaler is stopping"}
	}
	return refusal{http.StatusServiceUnavailable, "the caller is gone"} // and does not hear it
}
