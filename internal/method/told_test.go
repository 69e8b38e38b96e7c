package method_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	call "github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/http"
)

func TestUserLogicIsToldItsTraceAndTheTimeOfThePass(t *testing.T) {
	traced := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	began := time.Date(2026, 5, 1, 14, 0, 0, 250_000_000, time.FixedZone("CEST", 7200))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Traceparent")+"|"+r.Header.Get("Cpa-Time"))
	}))
	t.Cleanup(server.Close)
	request := config.Method{Type: "http", Timeout: 5000, MaxReplyBytes: 1 << 10,
		HTTP: &call.Settings{Method: "GET", URL: server.URL, ParameterMode: "body", SuccessCodes: []int{200}}}
	for name, m := range map[string]config.Method{"shell": script(`printf %s "$TRACEPARENT|$CPA_TIME"`), "http": request} {
		for _, row := range []struct {
			ctx   context.Context
			began time.Time
			want  string
		}{
			{t.Context(), time.Time{}, "|"},
			{traced, time.Time{}, "00-01000000000000000000000000000000-0200000000000000-01|"},
			{t.Context(), began, "|2026-05-01T12:00:00.250+00:00"},
		} {
			reply, err := mustNew(t, m).Run(row.ctx, method.Document{}.At(row.began))
			if err != nil || reply != row.want {
				t.Errorf("%s: got %q, %v; want %q", name, reply, err, row.want)
			}
		}
	}
}
