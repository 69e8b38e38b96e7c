package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// What may be wrong while a request comes in: bits of FuzzServer's last argument.
const (
	refusing    = 1 << iota // whoever is asked about is refused
	gated                   // Prometheus is asked about, too
	failing                 // passes fail
	full                    // there is no room
	unwell                  // neither alive nor ready
	beginning               // no pass has ended yet
	unprotected             // nobody is asked about
)

// FuzzServer serves a request that is given in parts, and one that is given in bytes: as net/http parses it, and over a
// connection of its own to the whole server.
func FuzzServer(f *testing.F) {
	seedRoutes(f)
	seedQueries(f)
	seedHeaders(f)
	seedRubbish(f)
	wires := serveWires(f)
	f.Fuzz(func(t *testing.T, text []byte, method, path, query, headers string, body uint32, from []byte, state int) {
		remote := (&net.TCPAddr{IP: from, Port: 1}).String() // as net/http has it, whatever an address may be
		request := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: "localhost:5000", Header: headersOf(headers),
			Body: io.NopCloser(bytes.NewReader(make([]byte, body%(longestBody+10)))),
		}
		judge(t, request, remote, state)
		if request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text))); err == nil {
			judge(t, request, remote, state)
		}
		wires.judge(t, text)
	})
}

var here, elsewhere = []byte{127, 0, 0, 1}, []byte{203, 0, 113, 7}

func seedRoutes(f *testing.F) {
	states := []int{0, refusing, gated, gated | refusing, failing, full, unwell, beginning, unprotected, unprotected | refusing, refusing | full}
	for path, route := range (&Server{}).table() {
		for _, method := range []string{"GET", "POST", "HEAD"} {
			f.Add([]byte(request(method, path)), method, path, "dry_run=true", "", uint32(0), here, 0)
		}
		for _, state := range states {
			for _, remote := range [][]byte{here, elsewhere, net.IPv4(127, 0, 0, 1), net.IPv6loopback, []byte("rubbish"), nil} {
				f.Add([]byte(request(route.method, path)), route.method, path, "", "", uint32(0), remote, state)
			}
		}
	}
}

func seedQueries(f *testing.F) {
	queries := []string{"dry_run=true", "dry_run=0", "dry_run=x", "dry_run", "dry_run=1&dry_run=0", "a=1;b=2", "%zz", "limit=0", "limit=1&format=text", "format=xml", "run_type=api", "run_type=x"}
	for path, route := range (&Server{}).table() {
		for _, query := range queries {
			f.Add([]byte(request(route.method, path+"?"+query, "Content-Length: 2")+"{}"), route.method, path, query, "", uint32(2), here, 0)
		}
	}
}

func seedHeaders(f *testing.F) {
	for _, header := range []string{"Forwarded: for=x", "X-Forwarded-For: 127.0.0.1", "Origin: http://evil.example", "Sec-Fetch-Site: cross-site", "Referer: http://evil.example", "Authorization: Bearer x", "Expect: 100-continue", "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"} {
		for _, remote := range [][]byte{here, elsewhere} {
			f.Add([]byte(request("POST", "/api/v1/evaluation", header)), "POST", "/api/v1/evaluation", "", header, uint32(0), remote, refusing)
			f.Add([]byte(request("GET", "/api/v1/metrics", header)), "GET", "/api/v1/metrics", "", header, uint32(0), remote, refusing)
		}
	}
}

func seedRubbish(f *testing.F) {
	const length, chunked = "Content-Length: 9", "Transfer-Encoding: chunked"
	for _, text := range []string{
		"", "GET /\r\n", "GET / HTTP/3.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", request("OPTIONS", "*"), request("CONNECT", "x:1"), request("GET", "//x"),
		request("POST", "/api/v1/evaluation", chunked) + "rubbish", request("POST", "/api/v1/evaluation", chunked) + "1\r\nx\r\n0\r\n\r\n",
		request("POST", "/api/v1/evaluation", length) + "x", request("POST", "/api/v1/evaluation", length, length), request("GET", "/", length, chunked),
		request("GET", "/healthz") + request("GET", "/healthz"),
	} {
		f.Add([]byte(text), "TRACE", "/nowhere\x00\n<", "", "", uint32(longestBody+1), here, 0)
		f.Add([]byte(text), "POST", "/api/v1/evaluation", "", "", uint32(longestBody+1), here, 0)
	}
}

// request is one as a client writes it.
func request(method, target string, headers ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(headers, "", ""), "\r\n")
}

func headersOf(text string) http.Header {
	header := http.Header{}
	for line := range strings.SplitSeq(text, "\n") {
		name, value, _ := strings.Cut(line, ":")
		header.Add(name, strings.TrimSpace(value))
	}
	return header
}

// fakes stand for all that the server is given, and note who came through to them.
type fakes struct {
	state    int
	reached  []string // "metrics api"
	answered string   // "/api/v1/metrics 200"
}

func (f *fakes) is(state int) bool { return f.state&state != 0 }

func (f *fakes) reach(what string) error {
	f.reached = append(f.reached, what)
	if f.is(failing) {
		return errors.New("broken \xff <>")
	}
	return nil
}

func (f *fakes) Measure(_ context.Context, _ <-chan struct{}, runType userlogic.RunType) ([]userlogic.ResourceMetric, error) {
	return nil, f.reach("metrics " + string(runType))
}

func (f *fakes) Evaluate(_ context.Context, _ <-chan struct{}, runType userlogic.RunType) (userlogic.RESTEvaluation, error) {
	return userlogic.RESTEvaluation{}, f.reach("evaluation " + string(runType))
}

func (f *fakes) Decisions(_ userlogic.RunType, most int) []userlogic.Decision {
	f.reached = append(f.reached, "decisions")
	if f.is(beginning) || most < 1 {
		return []userlogic.Decision{}
	}
	return []userlogic.Decision{{Target: "Deployment shop/web", Result: userlogic.Kept}}
}

func (f *fakes) healthy() error {
	if f.is(unwell) {
		return errors.New("unwell")
	}
	return nil
}

// ServeHTTP is /metrics.
func (f *fakes) ServeHTTP(http.ResponseWriter, *http.Request) {
	f.reached = append(f.reached, "series")
}

func (f *fakes) server(log *slog.Logger) *Server {
	options := Options{
		MaxRequests: 2, MaxDecisions: 10, Grace: time.Second,
		Autoscaler: f, Record: f, Alive: f.healthy, Ready: f.healthy, Metrics: f,
		Answered:     func(path string, code int) { f.answered += fmt.Sprint(path, " ", code) },
		AdmitMetrics: f.is(gated), Log: log,
	}
	if !f.is(unprotected) {
		options.Admit = func(*http.Request) error {
			if f.is(refusing) {
				return refusal{http.StatusUnauthorized, "Unauthorized"}
			}
			return nil
		}
	}
	s := New(options)
	for range s.MaxRequests {
		if f.is(full) {
			s.places <- struct{}{}
		}
	}
	return s
}

// judge serves a request, and holds the answer to what is promised of every one.
func judge(t *testing.T, r *http.Request, remote string, state int) {
	r.RemoteAddr = remote
	f := &fakes{state: state}
	s := f.server(slog.New(slog.DiscardHandler))
	s.stopping = t.Context()
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, r)
	path := r.URL.Path
	if _, known := s.routes[path]; !known {
		path = "other"
	}
	if want := fmt.Sprint(path, " ", recorder.Code); f.answered != want {
		t.Errorf("it was counted as %q, want %q", f.answered, want)
	}
	judgeAnswer(t, s, r, recorder)
	for _, what := range f.reached {
		if !mayReach(f, r, what) {
			t.Errorf("%s %q?%s of %s with %v reached %s in state %b", r.Method, r.URL.Path, r.URL.RawQuery, remote, r.Header, what, state)
		}
	}
}

func judgeAnswer(t *testing.T, s *Server, r *http.Request, got *httptest.ResponseRecorder) {
	codes := []int{200, 400, 401, 403, 404, 405, 413, 500, 503}
	switch route := s.routes[r.URL.Path]; {
	case !slices.Contains(codes, got.Code):
		t.Errorf("the status is %d", got.Code)
	case got.Code == http.StatusMethodNotAllowed && (route.method == "" || got.Header().Get("Allow") != route.method || r.Method == route.method):
		t.Errorf("%s is not allowed, but %q is", r.Method, got.Header().Get("Allow"))
	case got.Code == 200 || got.Code == 503 && strings.HasSuffix(r.URL.Path, "z") && got.Body.String() == "unwell\n":
		return
	}
	var failure userlogic.RESTError
	if err := json.Unmarshal(got.Body.Bytes(), &failure); err != nil || failure.Code != got.Code || failure.Message == "" {
		t.Errorf("status %d with the body %q (%v)", got.Code, got.Body, err)
	}
	if kind, length := got.Header().Get("Content-Type"), got.Header().Get("Content-Length"); kind != "application/json" || length != strconv.Itoa(got.Body.Len()) {
		t.Errorf("an error of type %q and length %s, want %d", kind, length, got.Body.Len())
	}
}

// mayReach tells what each of the fakes is there for, and for whom.
func mayReach(f *fakes, r *http.Request, what string) bool {
	_, forwarded := r.Header["Forwarded"]
	_, forwardedFor := r.Header["X-Forwarded-For"]
	asked := f.is(refusing) && !f.is(unprotected) && (forwarded || forwardedFor || !onLoopback(r.RemoteAddr) || isNamed(r.Host))
	ours := r.Header.Get("Sec-Fetch-Site") != "cross-site" && r.Header.Get("Origin") != "http://evil.example"
	get, post := r.Method == "GET" && ours, r.Method == "POST" && ours
	switch what {
	case "series":
		return r.Method == "GET" && r.URL.Path == "/metrics" && !(asked && f.is(gated))
	case "decisions":
		return get && strings.HasPrefix(r.URL.Path, "/api/v1/decisions") && !asked && !f.is(full)
	}
	stage, runType, _ := strings.Cut(what, " ")
	right := get && stage == "metrics" || post && stage == "evaluation"
	return right && r.URL.Path == "/api/v1/"+stage && runType == runTypeOf(r.URL.RawQuery) && !asked && !f.is(full)
}

// onLoopback is said in other words than the server's own.
func onLoopback(remote string) bool {
	host, _, _ := net.SplitHostPort(remote) // "" if there is none
	return net.ParseIP(host).IsLoopback()
}

// isNamed is said in other words than the server's own, too.
func isNamed(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	address := strings.Split(name, "%")[0]
	mapped := strings.Contains(address, ":") && net.ParseIP(address).To4() != nil
	return name != "" && !strings.EqualFold(name, "localhost") && (mapped || !net.ParseIP(address).IsLoopback())
}

// runTypeOf is "" where the query cannot be read as a whole.
func runTypeOf(query string) string {
	values, err := url.ParseQuery(query)
	runType := "api"
	for _, text := range values["dry_run"] {
		switch {
		case slices.Contains([]string{"1", "t", "T", "TRUE", "true", "True"}, text):
			runType = "api_dry_run"
		case !slices.Contains([]string{"0", "f", "F", "FALSE", "false", "False"}, text):
			return ""
		}
	}
	if err != nil {
		return ""
	}
	return runType
}

// wires is a listener for connections in memory.
type wires struct {
	dialed  chan net.Conn
	closing context.CancelFunc
	closed  context.Context
	log     *wireLog
	fakes   *fakes
}

// wireLog keeps what net/http says of a panic.
type wireLog struct {
	mutex  sync.Mutex
	panics []string
}

func (l *wireLog) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if bytes.Contains(text, []byte("panic")) {
		l.panics = append(l.panics, string(text))
	}
	return len(text), nil
}

func serveWires(f *testing.F) *wires {
	w := &wires{dialed: make(chan net.Conn), log: &wireLog{}, fakes: &fakes{}}
	w.closed, w.closing = context.WithCancel(context.Background())
	s := w.fakes.server(slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, w) }()
	f.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			f.Error(err)
		}
	})
	return w
}

func (w *wires) Accept() (net.Conn, error) {
	select {
	case conn := <-w.dialed:
		return conn, nil
	case <-w.closed.Done():
		return nil, net.ErrClosed
	}
}

func (w *wires) Close() error {
	w.closing()
	return nil
}

func (w *wires) Addr() net.Addr { return &net.TCPAddr{} }

// judge sends bytes, says that there are no more, and holds the server to an answer of HTTP, or none.
func (w *wires) judge(t *testing.T, text []byte) {
	pipe, _ := net.Pipe()
	conn := &wire{Conn: pipe, from: bytes.NewReader(text), closed: make(chan struct{})}
	w.dialed <- conn
	select {
	case <-conn.closed:
	case <-time.After(time.Minute):
		t.Fatal("the connection is still open")
	}
	w.fakes.reached, w.fakes.answered = nil, "" // nobody is there any more
	w.log.mutex.Lock()
	defer w.log.mutex.Unlock()
	if len(w.log.panics) > 0 {
		t.Fatalf("it panicked: %s", w.log.panics)
	}
	if conn.to.Len() == 0 {
		return
	}
	codes := []int{100, 200, 400, 403, 404, 405, 413, 417, 431, 501, 503, 505}
	if got, err := http.ReadResponse(bufio.NewReader(&conn.to), nil); err != nil || !slices.Contains(codes, got.StatusCode) {
		t.Errorf("the answer is %v, %v", got, err)
	}
}

// wire is a connection from nowhere; what is not told here it has from a pipe.
type wire struct {
	net.Conn
	from   *bytes.Reader
	to     bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func (w *wire) Read(into []byte) (int, error) { return w.from.Read(into) }

func (w *wire) Write(text []byte) (int, error) { return w.to.Write(text) }

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}
