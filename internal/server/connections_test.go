package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/connections"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// running is a server on a port of loopback.
type running struct {
	*testing.T
	*Server
	address string
	counted *counted
	stop    func() error // ends it, and waits
}

// started starts a server with the default number of requests, and stops it with the test.
func started(t *testing.T, change func(*Options)) *running {
	t.Helper()
	o := Options{
		Host: "127.0.0.1", MaxRequests: 500, MaxDecisions: 3, Grace: 10 * time.Second, Autoscaler: &passes{}, Record: recorded(10),
		Alive: func() error { return nil }, Ready: func() error { return nil },
		Metrics:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 64<<10)) }),
		Answered: func(string, int) {}, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	r := &running{T: t, Server: New(o)}
	listener, err := r.Listen()
	if err != nil {
		t.Fatal(err)
	}
	r.address, r.counted = listener.Addr().String(), &counted{Listener: listener}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, r.counted) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// dial opens a connection and sends text, if there is any. It is closed with the test.
func (r *running) dial(text string) net.Conn {
	conn, err := net.DialTimeout("tcp", r.address, 10*time.Second)
	if err != nil {
		r.Error(err)
		return nil
	}
	r.Cleanup(func() { conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10) // what is not read is left to the server
	if text != "" {
		_, _ = io.WriteString(conn, text) // it may have been closed for others already
	}
	return conn
}

// probeWithin is longer than the second that the kubelet waits: the machine may be busy with other tests.
const probeWithin = 5 * time.Second

// probe asks for a path over a connection of its own, as the kubelet does.
func (r *running) probe(path string) error {
	scheme, transport := "http", &http.Transport{DisableKeepAlives: true}
	if r.certificate != nil {
		scheme, transport.TLSClientConfig = "https", &tls.Config{InsecureSkipVerify: true}
	}
	response, err := (&http.Client{Transport: transport, Timeout: probeWithin}).Get(scheme + "://" + r.address + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s, %w", response.Status, err)
	}
	return nil
}

// keepProbing asks for all paths one after the other until it is stopped.
func (r *running) keepProbing(paths ...string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var probing sync.WaitGroup
	for _, path := range paths {
		probing.Go(func() {
			for ctx.Err() == nil {
				if err := r.probe(path); err != nil {
					r.Errorf("%s: %v", path, err)
					return
				}
			}
		})
	}
	return func() {
		cancel()
		probing.Wait()
	}
}

// counted is a listener that counts its open connections.
type counted struct {
	net.Listener
	open atomic.Int32
}

func (c *counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	return &countedConn{TCPConn: conn.(*net.TCPConn), close: sync.OnceValue(func() error {
		c.open.Add(-1)
		return conn.Close()
	})}, nil
}

type countedConn struct {
	*net.TCPConn
	close func() error
}

func (c *countedConn) Close() error { return c.close() }

// within waits for a condition.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", limit, what)
		}
	}
}

func overHTTPS(t *testing.T) func(*Options) {
	t.Helper()
	dir := t.TempDir()
	cert, key := pair(t, "server")
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	replace(t, certFile, cert)
	replace(t, keyFile, key)
	return func(o *Options) { o.CertFile, o.KeyFile = certFile, keyFile }
}

// silence is what clients send that then wait, and never read.
var silence = []struct{ name, text string }{
	{"nothing", ""},
	{"half a request line", "GET /hea"},
	{"half of the headers", "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "},
	{"half a body for a probe", request("GET", "/healthz", "Content-Length: 9") + "x"},
	{"chunks without end for a probe", request("GET", "/healthz", "Transfer-Encoding: chunked") + "1\r\nx\r\n"},
	{"half a body for the API", request("GET", "/api/v1/decisions", "Content-Length: 9") + "x"},
	{"a whole request, and then nothing", request("GET", "/healthz")},
	{"a whole request, and then half of one", request("GET", "/healthz") + "GET /hea"},
	{"a request for what is not there", request("GET", "/nothing")},
}

func TestConnectionsLeaveRoomForProbes(t *testing.T) {
	for _, row := range silence {
		t.Run(row.name, func(t *testing.T) { leavesRoom(t, row.text, 700, nil) })
	}
	t.Run("answers that are not read", func(t *testing.T) {
		text := strings.Repeat(request("GET", "/metrics"), 100)
		leavesRoom(t, text, 2*spareConnections, func(o *Options) { o.MaxRequests = mostAnswering })
	})
	t.Run("half a TLS handshake", func(t *testing.T) { leavesRoom(t, "\x16\x03\x01\x02\x00\x01", 700, overHTTPS(t)) })
	t.Run("no TLS handshake", func(t *testing.T) { leavesRoom(t, "", 700, overHTTPS(t)) })
	t.Run("five thousand", func(t *testing.T) { leavesRoom(t, "GET /hea", 5000, nil) })
}

// leavesRoom opens so many connections of a kind, while probes and Prometheus go on.
func leavesRoom(t *testing.T, text string, clients int, change func(*Options)) {
	goroutines := runtime.NumGoroutine()
	r := started(t, change)
	stopProbing := r.keepProbing("/healthz", "/readyz", "/metrics")
	defer stopProbing()
	conns := make([]net.Conn, clients)
	for i := range conns {
		if conns[i] = r.dial(text); t.Failed() {
			return
		}
	}
	most := int32(r.MaxRequests + spareConnections + 1) // the one that room is being made for
	if open := r.counted.open.Load(); open > most {
		t.Errorf("%d connections are open, want %d at most", open, most)
	}
	for range 20 {
		if err := errors.Join(r.probe("/healthz"), r.probe("/metrics")); err != nil {
			t.Error(err)
		}
	}
	for _, conn := range conns {
		conn.Close()
	}
	stopProbing()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	within(t, 30*time.Second, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines+3 })
}

// held is an autoscaler whose passes wait until they are released.
type held struct {
	passes
	begun    chan struct{}
	released chan struct{}
}

func (h *held) Evaluate(context.Context, <-chan struct{}, userlogic.RunType) (userlogic.RESTEvaluation, error) {
	h.begun <- struct{}{}
	<-h.released
	return userlogic.RESTEvaluation{TargetReplicas: 5}, nil
}

func TestConnectionsOfRequestsInProgressAreNotClosed(t *testing.T) {
	const callers = 20
	h := &held{begun: make(chan struct{}, callers), released: make(chan struct{})}
	r := started(t, func(o *Options) { o.Autoscaler, o.MaxRequests = h, callers })
	codes := make(chan string, callers)
	for range callers {
		go func() {
			response, err := http.Post("http://"+r.address+"/api/v1/evaluation", "", nil)
			if err != nil {
				codes <- err.Error()
				return
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			codes <- fmt.Sprint(response.StatusCode, " ", string(text), err)
		}()
	}
	within(t, 10*time.Second, "all callers to be in line", func() bool { return len(r.places) == callers })
	for range 10 * spareConnections {
		r.dial("")
	}
	if err := r.probe("/healthz"); err != nil {
		t.Error(err)
	}
	close(h.released)
	for range callers {
		if got, want := <-codes, `200 {"targetReplicas":5,"recommendation":0}<nil>`; got != want {
			t.Errorf("a caller got %s, want %s", got, want)
		}
	}
}

func TestConnectionsThatAreSilentDoNotHoldUpTheEnd(t *testing.T) {
	for _, row := range silence {
		t.Run(row.name, func(t *testing.T) {
			r := started(t, nil)
			for range 10 {
				r.dial(row.text)
			}
			if err := r.probe("/healthz"); err != nil { // so that the others have been accepted
				t.Fatal(err)
			}
			began := time.Now()
			if err := r.stop(); err != nil || time.Since(began) > 3*time.Second {
				t.Errorf("it stopped after %s: %v", time.Since(began), err)
			}
		})
	}
}

// pipes is a listener of connections in memory.
type pipes struct{ net.Listener }

func (pipes) Accept() (net.Conn, error) {
	near, _ := net.Pipe()
	return near, nil
}

func TestConnectionClosedForOthersRunsNothing(t *testing.T) {
	p := &passes{}
	s := serverOf(t.Context(), p, nil)
	set := connections.New(pipes{}, 1, 1)
	conn, err := set.Accept()
	if err != nil {
		t.Fatal(err)
	}
	silent := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		silent <- err
	}()
	if _, err := set.Accept(); err != nil {
		t.Fatal(err)
	}
	if err := <-silent; err == nil {
		t.Fatal("it is not closed")
	}
	got := s.asked(connections.With(t.Context(), conn), "POST", "/api/v1/evaluation", loopback)
	if got.Code != http.StatusServiceUnavailable || len(p.notes) > 0 {
		t.Errorf("got %d, and passes %q", got.Code, p.notes)
	}
}
