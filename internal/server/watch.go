package server

import "net/http"

// probe is /healthz or /readyz. Everybody may ask, so it says in short what is wrong.
func probe(check func() error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		code, text := http.StatusOK, "ok"
		if err := check(); err != nil {
			code, text = http.StatusServiceUnavailable, err.Error()
		}
		write(w, code, "text/plain; charset=utf-8", []byte(text+"\n"))
		return nil
	}
}

// series is /metrics.
func (s *Server) series(w http.ResponseWriter, r *http.Request) error {
	s.Metrics.ServeHTTP(w, r)
	return nil
}
