package server

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

// freePort is a port of loopback that nobody listens on.
func freePort(t *testing.T) (port int, listener net.Listener) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().(*net.TCPAddr).Port, listener
}

func TestProbePortServesProbesOnly(t *testing.T) {
	port, listener := freePort(t)
	listener.Close()
	p := &passes{}
	https := overHTTPS(t)
	r := started(t, func(o *Options) {
		https(o) // which the probes' port has not
		o.ProbePort, o.Autoscaler = port, p
		o.Ready = func() error { return errors.New("not yet") }
	})
	for call, want := range map[string]int{
		"GET /healthz": 200, "GET /readyz": 503, "POST /healthz": 405, "HEAD /healthz": 405,
		"GET /metrics": 404, "GET /api/v1/metrics": 404, "POST /api/v1/evaluation": 404, "GET /api/v1/decisions": 404, "GET /": 404,
	} {
		method, path, _ := strings.Cut(call, " ")
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.probes.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s is answered %s, want %d", call, response.Status, want)
		}
	}
	if len(p.notes) > 0 {
		t.Errorf("there are passes %q", p.notes)
	}
	if err := r.probe("/healthz"); err != nil {
		t.Errorf("the main port does not serve probes: %v", err)
	}
	address := r.probes.Addr().String()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("the probes' port is still open after the end")
	}
}

func TestProbePortIsBoundedToo(t *testing.T) {
	port, listener := freePort(t)
	listener.Close()
	r := started(t, func(o *Options) { o.ProbePort = port })
	main := r.address
	r.address = r.probes.Addr().String()
	for _, row := range silence {
		for range 2 * spareConnections {
			r.dial(row.text)
		}
		if err := r.probe("/healthz"); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	r.address = main
	if err := r.probe("/metrics"); err != nil {
		t.Error(err)
	}
}

func TestProbePortThatIsBusyIsAWarning(t *testing.T) {
	port, _ := freePort(t)
	var log bytes.Buffer
	r := started(t, func(o *Options) { o.ProbePort, o.Log = port, slog.New(slog.NewTextHandler(&log, nil)) })
	if err := r.probe("/healthz"); err != nil {
		t.Errorf("the main port does not serve probes: %v", err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	text, _ := io.ReadAll(&log)
	for _, words := range []string{"level=WARN", "apiConfig.probePort", "address already in use", "choose another port"} {
		if !strings.Contains(string(text), words) {
			t.Errorf("the log does not say %q:\n%s", words, text)
		}
	}
}
