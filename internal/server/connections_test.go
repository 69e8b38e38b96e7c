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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// accepted is a connection over which a text has come, of a set without room for another.
func accepted(t *testing.T, text string) (set *connections, conn *connection, client net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	set = newConnections(listener, 1)
	of, err := set.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { of.Close() })
	conn = of.(*connection)
	if _, err := io.WriteString(client, text); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		within(t, 10*time.Second, "the text to come", func() bool { return unread(conn.Conn) })
	}
	return set, conn, client
}

func TestAConnectionIsNotClosedBeforeItsRequestIsRead(t *testing.T) {
	set, conn, _ := accepted(t, "GET /healthz")
	closes := func() bool { closed, _ := set.closeOne(false); return closed }
	if closes() {
		t.Error("it is closed before anybody reads it")
	}
	conn.wait()
	if closes() {
		t.Error("it is closed although something has come that is not read yet")
	}
	if n, err := conn.Conn.Read(make([]byte, 100)); n != 12 || err != nil {
		t.Fatal(n, err)
	}
	conn.heard()
	if closes() {
		t.Error("it is closed while what has come is worked on")
	}
	conn.wait()
	if !closes() {
		t.Error("it is not closed although it is silent")
	}
}

func TestAConnectionIsNotClosedBeforeItsAnswerIsWritten(t *testing.T) {
	for _, serving := range []bool{true, false} {
		set, conn, _ := accepted(t, "")
		done, open := keep(withConnection(t.Context(), conn), serving)
		conn.wait() // as net/http does while a request is answered, and may come to do only after that
		done()
		conn.wait()
		conn.heard()
		if !open || conn.list != &set.answering || set.serving != 0 {
			t.Errorf("serving %t: open %t, it is not among those whose answer is not taken, or %d are serving", serving, open, set.serving)
		}
		answered(conn, http.StateIdle)
		conn.wait()
		if conn.list != &set.waiting {
			t.Errorf("serving %t: it does not wait for another request", serving)
		}
	}
}

func TestAConnectionWhoseRequestCannotBeReadMakesRoomAtOnce(t *testing.T) {
	set, conn, _ := accepted(t, "no request")
	if n, err := conn.Read(make([]byte, 100)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := io.WriteString(conn, "400"); err != nil {
		t.Fatal(err)
	}
	if closed, _ := set.closeOne(false); !closed {
		t.Error("it is not closed")
	}
}

func TestAConnectionThatIsNeverReadIsClosedInTheEnd(t *testing.T) {
	set, conn, client := accepted(t, "GET /healthz")
	conn.wait()
	began := time.Now()
	if set.add(&net.TCPConn{}) == nil || !conn.closed || time.Since(began) < patience {
		t.Errorf("after %s it is closed: %t", time.Since(began), conn.closed)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("its client does not notice")
	}
}

func TestAConnectionThatWouldWaitAfterTheEndIsClosed(t *testing.T) {
	set, conn, _ := accepted(t, "")
	set.closeWaiting()
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("got %d, %v", n, err)
	}
	if set.count() != 0 {
		t.Error("it has not given up its room")
	}
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

func TestConnectionsAreClosedInOrder(t *testing.T) {
	set := newConnections(pipes{}, 3)
	accept := func() *connection {
		conn, err := set.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn.(*connection)
	}
	closed := func(conns ...*connection) (which []bool) {
		for _, conn := range conns {
			which = append(which, conn.closed)
		}
		return which
	}
	waiting := func() *connection {
		conn := accept()
		conn.wait()
		return conn
	}
	first, second, third := accept(), waiting(), waiting()
	first.use(nil)
	second.heard()
	second.wait() // which now is silent for less long than the third
	fourth := waiting()
	if got, want := closed(first, second, third, fourth), []bool{false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("closed %v, want %v", got, want)
	}
	second.use(&set.answering)
	fifth := waiting()
	if got, want := closed(first, second, fourth, fifth), []bool{false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("closed %v, want %v: silent ones go before answers", got, want)
	}
	if fourth.use(nil) {
		t.Error("a connection that is closed begins to serve")
	}
	fifth.use(nil)
	sixth := waiting()
	if !second.closed {
		t.Error("an answer that is not taken is not closed, where there is nothing else")
	}
	sixth.use(nil)
	if set.add(&net.TCPConn{}) != nil || set.count() != 3 || set.serving != 3 {
		t.Errorf("%d connections, %d of them serving", set.count(), set.serving)
	}
	for _, conn := range []*connection{first, first, fourth, fifth, sixth} {
		conn.Close()
	}
	if set.count() != 0 || set.serving != 0 {
		t.Errorf("%d connections are left, %d of them serving", set.count(), set.serving)
	}
}

func TestConnectionClosedForOthersRunsNothing(t *testing.T) {
	p := &passes{}
	s := serverOf(t.Context(), p, nil)
	set := newConnections(pipes{}, 1)
	conn, err := set.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.(*connection).wait()
	set.closeOne(false)
	got := s.asked(withConnection(t.Context(), conn), "POST", "/api/v1/evaluation", loopback)
	if got.Code != http.StatusServiceUnavailable || len(p.notes) > 0 {
		t.Errorf("got %d, and passes %q", got.Code, p.notes)
	}
}
