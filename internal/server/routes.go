package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/connections"
)

// route is what is served at a path, by one method.
type route struct {
	method string
	serve  func(http.ResponseWriter, *http.Request) error
	open   bool // to everybody, and at any time
	probe  bool // is served on the probes' own port, too
}

// table is everything that is served.
func (s *Server) table() map[string]route {
	return map[string]route{
		"/api/v1/metrics":          {http.MethodGet, s.metrics, false, false},
		"/api/v1/evaluation":       {http.MethodPost, s.evaluation, false, false},
		"/api/v1/decisions":        {http.MethodGet, s.decisions, false, false},
		"/api/v1/decisions/latest": {http.MethodGet, s.latestDecision, false, false},
		"/healthz":                 {http.MethodGet, probe(s.Alive), true, true},
		"/readyz":                  {http.MethodGet, probe(s.Ready), true, true},
		"/metrics":                 {http.MethodGet, s.series, !s.AdmitMetrics, false},
	}
}

// refusal is an answer that is an error: its message and its status code.
type refusal struct {
	code    int
	message string
}

func (r refusal) Error() string { return r.message }

func (r refusal) Code() int { return r.code }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.answer(w, r, s.serve) }

// serveProbe answers one request on the probes' own port.
func (s *Server) serveProbe(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(w *answer, r *http.Request) error {
		route := s.routes[r.URL.Path]
		if !route.probe {
			return notFound(r)
		}
		return s.serveRoute(w, r, route)
	})
}

// answer counts the answer, and writes it where it is an error.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, serve func(*answer, *http.Request) error) {
	answer := &answer{ResponseWriter: w}
	// A page of another site may neither read nor embed an answer.
	answer.Header().Set("X-Content-Type-Options", "nosniff")
	answer.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	path := "other"
	if _, known := s.routes[r.URL.Path]; known {
		path = r.URL.Path
	}
	if err := serve(answer, r); err != nil {
		answer.fail(err)
	}
	s.Answered(path, cmp.Or(answer.code, http.StatusOK))
}

func (s *Server) serve(w *answer, r *http.Request) error {
	route, known := s.routes[r.URL.Path]
	if !known || !route.open {
		select {
		case s.places <- struct{}{}:
			defer func() { <-s.places }()
		default:
			w.Header().Set("Retry-After", "1")
			return refusal{http.StatusServiceUnavailable, fmt.Sprintf("%d requests are being served already (apiConfig.maxRequests): try again later", s.MaxRequests)}
		}
		if err := s.admit(r); err != nil {
			return err
		}
	}
	if !known {
		return notFound(r)
	}
	return s.serveRoute(w, r, route)
}

func notFound(r *http.Request) error {
	return refusal{http.StatusNotFound, fmt.Sprintf("Resource '%s' not found", r.URL.Path)}
}

// serveRoute answers a request of a caller that may make it. Only then is its connection kept from being closed to make
// room, and on an open route, which takes no place, less so.
func (s *Server) serveRoute(w *answer, r *http.Request, route route) error {
	if r.Method != route.method {
		w.Header().Set("Allow", route.method)
		return refusal{http.StatusMethodNotAllowed, fmt.Sprintf("Method '%s' not allowed on resource '%s'", r.Method, r.URL.Path)}
	}
	if err := readWhole(w, r); err != nil {
		return err
	}
	done, open := connections.Keep(r.Context(), !route.open)
	if !open {
		return refusal{http.StatusServiceUnavailable, "the caller is gone"}
	}
	defer done()
	if err := route.serve(w, r); err != nil {
		w.fail(err)
	}
	if !route.open {
		_ = http.NewResponseController(w.ResponseWriter).Flush() // the answer is out before the connection may be closed
	}
	return nil
}

// readWhole reads the request to its end, though no call has a body: then the time for it is over, and what is heard of
// the caller from then on is that it is gone.
func readWhole(w http.ResponseWriter, r *http.Request) error {
	_, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, longestBody))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("The body of a request may have %d bytes at most", longestBody)}
	}
	if err != nil {
		return refusal{http.StatusBadRequest, fmt.Sprintf("Reading the body of the request: %v", err)}
	}
	// Where this cannot be done, the caller is cut off after some seconds, and asks again.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return nil
}
