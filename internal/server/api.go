package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// metrics is GET /api/v1/metrics: what the metric method says now.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	runType, err := runType(r)
	if err != nil {
		return err
	}
	return inLine(s, w, r, func(ctx context.Context) ([]userlogic.ResourceMetric, error) {
		metrics, err := s.Autoscaler.Measure(ctx, runType)
		return append([]userlogic.ResourceMetric{}, metrics...), err // [] where there are none, and not null
	})
}

// evaluation is POST /api/v1/evaluation: a pass now.
func (s *Server) evaluation(w http.ResponseWriter, r *http.Request) error {
	runType, err := runType(r)
	if err != nil {
		return err
	}
	return inLine(s, w, r, func(ctx context.Context) (userlogic.RESTEvaluation, error) {
		return s.Autoscaler.Evaluate(ctx, runType)
	})
}

// inLine waits until the callers before have had their passes, makes one and answers with what came of it. A caller that
// goes away while it waits loses its place; a pass that has begun goes on to its end, unless the program is stopping.
func inLine[T any](s *Server, w http.ResponseWriter, r *http.Request, pass func(context.Context) (T, error)) error {
	select {
	case s.line <- struct{}{}:
		defer func() { <-s.line }()
	case <-r.Context().Done():
		return refusal{http.StatusServiceUnavailable, "the autoscaler is stopping"} // or else the caller is gone, and hears nothing
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	document, err := pass(ctx)
	if errors.Is(err, context.Canceled) && s.stopping.Err() != nil {
		return refusal{http.StatusServiceUnavailable, "the autoscaler is stopping"}
	}
	if err != nil {
		return err
	}
	return send(w, http.StatusOK, document)
}
