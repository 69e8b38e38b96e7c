package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// passes stands for the autoscaler: it notes what is asked for.
type passes struct {
	err   error
	takes time.Duration
	notes []string
}

func (p *passes) note(ctx context.Context, what string, runType userlogic.RunType) error {
	p.notes = append(p.notes, fmt.Sprintf("%s %s", what, runType))
	if traced := trace.SpanContextFromContext(ctx); traced.IsValid() {
		p.notes = append(p.notes, "traced "+traced.TraceID().String())
	}
	if p.takes > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(p.takes):
		}
	}
	return p.err
}

func (p *passes) Measure(ctx context.Context, _ <-chan struct{}, runType userlogic.RunType) ([]userlogic.ResourceMetric, error) {
	return nil, p.note(ctx, "measure", runType)
}

func (p *passes) Evaluate(ctx context.Context, _ <-chan struct{}, runType userlogic.RunType) (userlogic.RESTEvaluation, error) {
	return userlogic.RESTEvaluation{TargetReplicas: 5, Recommendation: 9}, p.note(ctx, "evaluate", runType)
}

// recorded is a record of so many passes.
type recorded int

func (r recorded) Decisions(of userlogic.RunType, most int) []userlogic.Decision {
	decisions := []userlogic.Decision{}
	for range min(int(r), most) {
		decisions = append(decisions, userlogic.Decision{RunType: userlogic.RunType("of " + string(of)), Result: userlogic.Kept})
	}
	return decisions
}

// serverOf is a server with one change to its options, that is stopped with ctx.
func serverOf(ctx context.Context, p *passes, change func(*Options)) *Server {
	o := Options{
		MaxRequests: 2, MaxDecisions: 3, Autoscaler: p, Record: recorded(10),
		Alive: func() error { return nil }, Ready: func() error { return errors.New("not yet") },
		Metrics:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("series")) }),
		Answered: func(string, int) {}, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	s := New(o)
	s.stopping = ctx
	return s
}

// asked is the answer to a request, from an address, with headers "Name: value".
func (s *Server) asked(ctx context.Context, method, path, from string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(ctx, method, path, nil)
	request.RemoteAddr, request.Host = from, "localhost:5000"
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if request.Header.Add(name, value); name == "Host" {
			request.Host = value
		}
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, request)
	return answer
}

const (
	loopback  = "127.0.0.1:1234"
	neighbour = "192.0.2.1:1234"
)

func TestTheAPI(t *testing.T) {
	for _, row := range []struct {
		method, path string
		code         int
		body, passes string
	}{
		{"GET", "/api/v1/metrics", 200, `[]`, "measure api"},
		{"GET", "/api/v1/metrics?dry_run=1", 200, `[]`, "measure api_dry_run"},
		{"POST", "/api/v1/evaluation", 200, `{"targetReplicas":5,"recommendation":9}`, "evaluate api"},
		{"POST", "/api/v1/evaluation?dry_run=false&other=x", 200, `{"targetReplicas":5,"recommendation":9}`, "evaluate api"},
		{"POST", "/api/v1/evaluation?dry_run=false&dry_run=true", 200, `{"targetReplicas":5,"recommendation":9}`, "evaluate api_dry_run"},
		{"POST", "/api/v1/evaluation?dry_run=x", 400, `{"message":"Invalid format for 'dry_run' query parameter; 'x' is not a valid boolean value","code":400}`, ""},
		{"POST", "/api/v1/evaluation?dry_run", 400, `{"message":"Invalid format for 'dry_run' query parameter; '' is not a valid boolean value","code":400}`, ""},
		{"POST", "/api/v1/evaluation?dry_run=true;x", 400, `{"message":"Invalid format for the query; invalid semicolon separator in query","code":400}`, ""},
		{"GET", "/api/v1/evaluation", 405, `{"message":"Method 'GET' not allowed on resource '/api/v1/evaluation'","code":405}`, ""},
		{"GET", "/api/v2/metrics", 404, `{"message":"Resource '/api/v2/metrics' not found","code":404}`, ""},
		{"GET", "/api/v1/decisions?limit=0", 400, `{"message":"Invalid format for 'limit' query parameter; '0' is not a whole number above 0","code":400}`, ""},
		{"GET", "/api/v1/decisions?run_type=x", 400, `{"message":"Invalid format for 'run_type' query parameter; 'x' is not one of scaler, api, api_dry_run","code":400}`, ""},
		{"GET", "/api/v1/decisions/latest?format=xml", 400, `{"message":"Invalid format for 'format' query parameter; 'xml' is not one of json, text","code":400}`, ""},
		{"GET", "/healthz", 200, "ok\n", ""},
		{"GET", "/readyz", 503, "not yet\n", ""},
		{"GET", "/metrics", 200, "series", ""},
	} {
		p := &passes{}
		got := serverOf(t.Context(), p, nil).asked(t.Context(), row.method, row.path, loopback)
		if got.Code != row.code || got.Body.String() != row.body || strings.Join(p.notes, ", ") != row.passes {
			t.Errorf("%s %s:\n got %d %s, %q\nwant %d %s, %q", row.method, row.path, got.Code, got.Body, p.notes, row.code, row.body, row.passes)
		}
		if kind := got.Header().Get("Content-Type"); strings.HasPrefix(row.path, "/api") && kind != "application/json" {
			t.Errorf("%s %s is %q", row.method, row.path, kind)
		}
	}
}

func TestDecisionsAreListedAsTheyAreAskedFor(t *testing.T) {
	s := serverOf(t.Context(), &passes{}, nil)
	for path, want := range map[string]int{
		"/api/v1/decisions": 3, "/api/v1/decisions?limit=1": 1, "/api/v1/decisions?limit=100": 10,
		"/api/v1/decisions?run_type=api": 3, "/api/v1/decisions/latest": 1,
	} {
		if got := strings.Count(s.asked(t.Context(), "GET", path, loopback).Body.String(), `"result":"kept"`); got != want {
			t.Errorf("%s has %d passes, want %d", path, got, want)
		}
	}
	text := s.asked(t.Context(), "GET", "/api/v1/decisions?format=text", loopback)
	if kind := text.Header().Get("Content-Type"); strings.Count(text.Body.String(), "\n") != 3 || kind != "text/plain; charset=utf-8" {
		t.Errorf("as text: %s %s", kind, text.Body)
	}
	none := serverOf(t.Context(), &passes{}, func(o *Options) { o.Record = recorded(0) })
	if got := none.asked(t.Context(), "GET", "/api/v1/decisions/latest?format=text", loopback); got.Code != 404 {
		t.Errorf("before the first pass: %d %s", got.Code, got.Body)
	}
}

func TestWhoIsAskedAbout(t *testing.T) {
	for _, row := range []struct {
		name, path, from string
		headers          []string
		asked            bool
	}{
		{"loopback", "/api/v1/decisions", loopback, nil, false},
		{"loopback, version 6", "/api/v1/decisions", "[::1]:1234", nil, false},
		{"loopback, version 4 in 6", "/api/v1/decisions", "[::ffff:127.0.0.1]:1234", nil, false},
		{"somebody", "/api/v1/decisions", neighbour, nil, true},
		{"somebody who says that they are local", "/api/v1/decisions", neighbour, []string{"X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"}, true},
		{"a proxy on loopback, for somebody", "/api/v1/decisions", loopback, []string{"X-Forwarded-For: 203.0.113.9"}, true},
		{"such a proxy, in the words of the standard", "/api/v1/decisions", loopback, []string{"Forwarded: for=203.0.113.9"}, true},
		{"a proxy that adds a line to the caller's own, which is empty", "/api/v1/decisions", loopback, []string{"X-Forwarded-For: ", "X-Forwarded-For: 203.0.113.9"}, true},
		{"loopback, by an address", "/api/v1/decisions", loopback, []string{"Host: 127.0.0.1:5000"}, false},
		{"loopback, by an address of version 6", "/api/v1/decisions", loopback, []string{"Host: [::1]"}, false},
		{"the page of a site whose name leads to loopback", "/api/v1/decisions", loopback, []string{"Host: evil.example:5000"}, true},
		{"an address that cannot be read", "/api/v1/decisions", "@", nil, true},
		{"somebody, about a path that is not served", "/nothing", neighbour, nil, true},
		{"somebody's probe", "/healthz", neighbour, nil, false},
		{"somebody's Prometheus", "/metrics", neighbour, nil, false},
	} {
		asked := false
		s := serverOf(t.Context(), &passes{}, func(o *Options) {
			o.Admit = func(*http.Request) error { asked = true; return refusal{http.StatusUnauthorized, "who are you?"} }
		})
		got := s.asked(t.Context(), "GET", row.path, row.from, row.headers...)
		if asked != row.asked || asked != (got.Code == 401) || asked != (got.Header().Get("WWW-Authenticate") == "Bearer") {
			t.Errorf("%s: asked %t, answered %d; want asked %t", row.name, asked, got.Code, row.asked)
		}
	}
}

func TestPrometheusMayBeAskedAboutToo(t *testing.T) {
	s := serverOf(t.Context(), &passes{}, func(o *Options) {
		o.Admit, o.AdmitMetrics = func(*http.Request) error { return refusal{http.StatusForbidden, "no"} }, true
	})
	for path, want := range map[string]int{"/metrics": 403, "/healthz": 200, "/readyz": 503} {
		if got := s.asked(t.Context(), "GET", path, neighbour); got.Code != want {
			t.Errorf("%s is answered %d, want %d", path, got.Code, want)
		}
	}
}

func TestAPassIsPartOfItsCallersTrace(t *testing.T) {
	p := &passes{}
	serverOf(t.Context(), p, nil).asked(t.Context(), "GET", "/api/v1/metrics", loopback, "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	if want := "traced 0123456789abcdef0123456789abcdef"; !slices.Contains(p.notes, want) {
		t.Errorf("got %q, want %q", p.notes, want)
	}
}

func TestThePageOfAnotherSiteCannotScale(t *testing.T) {
	p := &passes{}
	got := serverOf(t.Context(), p, nil).asked(t.Context(), "POST", "/api/v1/evaluation", loopback, "Sec-Fetch-Site: cross-site", "Origin: http://evil.example")
	if got.Code != 403 || len(p.notes) > 0 {
		t.Errorf("got %d and passes %q", got.Code, p.notes)
	}
}

func TestAnErrorOfThePassIsTheAnswer(t *testing.T) {
	got := serverOf(t.Context(), &passes{err: errors.New("running metric: exit status 1")}, nil).asked(t.Context(), "GET", "/api/v1/metrics", loopback)
	if want := `{"message":"running metric: exit status 1","code":500}`; got.Code != 500 || got.Body.String() != want {
		t.Errorf("got %d %s, want %s", got.Code, got.Body, want)
	}
}

func TestMoreCallersThanThereAreePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &passes{takes: time.Second}
		s := serverOf(t.Context(), p, nil) // two places
		answers := make(chan *httptest.ResponseRecorder, 3)
		for range 3 {
			go func() { answers <- s.asked(t.Context(), "POST", "/api/v1/evaluation", loopback) }()
		}
		first := <-answers
		if first.Code != 503 || first.Header().Get("Retry-After") != "1" || !strings.Contains(first.Body.String(), "apiConfig.maxRequests") {
			t.Errorf("got %d %s", first.Code, first.Body)
		}
		if probe := s.asked(t.Context(), "GET", "/healthz", neighbour); probe.Code != 200 {
			t.Errorf("a probe is answered %d meanwhile", probe.Code)
		}
		if second, third := <-answers, <-answers; second.Code != 200 || third.Code != 200 || len(p.notes) != 2 {
			t.Errorf("got %d, %d and passes %q", second.Code, third.Code, p.notes)
		}
	})
}

func TestACallerThatGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &passes{takes: time.Minute}
		s := serverOf(t.Context(), p, nil)
		ctx, leave := context.WithCancel(t.Context())
		running, waiting := make(chan int, 1), make(chan int, 1)
		go func() { running <- s.asked(ctx, "POST", "/api/v1/evaluation", loopback).Code }()
		synctest.Wait()
		go func() { waiting <- s.asked(ctx, "POST", "/api/v1/evaluation", loopback).Code }()
		synctest.Wait()
		leave()
		if code := <-waiting; code != 503 || len(p.notes) != 1 {
			t.Errorf("who waited was answered %d, with passes %q", code, p.notes)
		}
		if code := <-running; code != 200 {
			t.Errorf("the pass that had begun was answered %d, want it to have come to its end", code)
		}
	})
}

func TestStoppingCutsPassesShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s := serverOf(ctx, &passes{takes: time.Hour}, nil)
		answers := make(chan *httptest.ResponseRecorder, 2)
		for range 2 { // one makes a pass, one waits
			go func() { answers <- s.asked(ctx, "POST", "/api/v1/evaluation", loopback) }()
		}
		synctest.Wait()
		stop()
		for range 2 {
			if got := <-answers; got.Code != 503 || got.Body.String() != `{"message":"the autoscaler is stopping","code":503}` {
				t.Errorf("got %d %s", got.Code, got.Body)
			}
		}
	})
}

// What is served is what docs/rest-api.md says, with its methods and codes.
func TestThePageNamesEveryCall(t *testing.T) {
	page, err := os.ReadFile("../../docs/rest-api.md")
	if err != nil {
		t.Fatal(err)
	}
	for path, route := range serverOf(t.Context(), &passes{}, nil).routes {
		if call := "`" + route.method + " " + path + "`"; !strings.Contains(string(page), call) {
			t.Errorf("docs/rest-api.md does not have %s", call)
		}
	}
	for _, limit := range []struct {
		words string
		value any
	}{
		{"within %v seconds, its headers", requestWithin.Seconds()}, {"headers within %v;", headersWithin.Seconds()}, {"taken within %v.", answerWithin.Seconds()},
		{"a body of more than %v MiB", longestBody >> 20}, {"headers of more than %v KiB", longestHeaders >> 10},
	} {
		if words := fmt.Sprintf(limit.words, limit.value); !strings.Contains(string(page), words) {
			t.Errorf("docs/rest-api.md does not say %q", words)
		}
	}
}
