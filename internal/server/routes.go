package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// route is what is served at a path, by one method.
type route struct {
	method string
	serve  func(http.ResponseWriter, *http.Request) error
	open   bool // to everybody, and at any time
}

// table is everything that is served.
func (s *Server) table() map[string]route {
	return map[string]route{
		"/api/v1/metrics":          {http.MethodGet, s.metrics, false},
		"/api/v1/evaluation":       {http.MethodPost, s.evaluation, false},
		"/api/v1/decisions":        {http.MethodGet, s.decisions, false},
		"/api/v1/decisions/latest": {http.MethodGet, s.latestDecision, false},
		"/healthz":                 {http.MethodGet, probe(s.Alive), true},
		"/readyz":                  {http.MethodGet, probe(s.Ready), true},
		"/metrics":                 {http.MethodGet, s.series, !s.AdmitMetrics},
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
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := &answer{ResponseWriter: w}
	path := "other"
	if _, known := s.routes[r.URL.Path]; known {
		path = r.URL.Path
	}
	if err := s.serve(answer, r); err != nil {
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
	switch {
	case !known:
		return refusal{http.StatusNotFound, fmt.Sprintf("Resource '%s' not found", r.URL.Path)}
	case r.Method != route.method:
		w.Header().Set("Allow", route.method)
		return refusal{http.StatusMethodNotAllowed, fmt.Sprintf("Method '%s' not allowed on resource '%s'", r.Method, r.URL.Path)}
	}
	if err := readWhole(w, r); err != nil {
		return err
	}
	return route.serve(w, r)
}

// admit lets loopback in, but for the pages of other sites in a browser there, and asks about everybody else.
func (s *Server) admit(r *http.Request) error {
	if err := s.sites.Check(r); err != nil {
		return refusal{http.StatusForbidden, fmt.Sprintf("Forbidden: %v", err)}
	}
	if s.Admit == nil || local(r) {
		return nil
	}
	return s.Admit(r)
}

// local tells a caller on loopback. One for whom a proxy has spoken is elsewhere, whatever the proxy says where; so is the
// page of a site whose name leads to loopback, and whose browser takes us for that site.
func local(r *http.Request) bool {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	forwarded := len(r.Header.Values("Forwarded"))+len(r.Header.Values("X-Forwarded-For")) > 0
	return err == nil && address.Addr().Unmap().IsLoopback() && !forwarded && noName(r.Host)
}

// noName tells a Host that is an address, or the one name that is everybody's own, or none: browsers always have one.
func noName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "" || strings.EqualFold(host, "localhost")
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
