package telemetry

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// TestTracingKeepsItsHeadersFromAnotherServer redirects the collector's clients to its own other path, and to another server.
func TestTracingKeepsItsHeadersFromAnotherServer(t *testing.T) {
	var there, elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for name, row := range map[string]struct {
		location         string
		there, elsewhere int32
	}{
		"on the same server": {"/there", 1, 0},
		"to another server":  {other.URL, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			there.Store(0)
			collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/there" {
					there.Add(1)
					return
				}
				http.Redirect(w, r, row.location, http.StatusTemporaryRedirect)
			}))
			t.Cleanup(collector.Close)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=planted")
			tracing, err := NewTracing(t.Context(), false, "test", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			_, span := tracing.Tracer.Start(t.Context(), "pass")
			span.End()
			_ = tracing.Close(t.Context()) // an export that fails is the handler's matter
			if there.Load() != row.there || elsewhere.Load() != row.elsewhere {
				t.Errorf("on the same server %d, elsewhere %d, want %d and %d", there.Load(), elsewhere.Load(), row.there, row.elsewhere)
			}
		})
	}
}
