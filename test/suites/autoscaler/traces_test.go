package autoscaler

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// tracedLogic is user logic that notes which spans it is told it is part of: metric prints what its environment has, and
// evaluate, which is called over HTTP, notes that and its own header.
type tracedLogic struct {
	url    string
	kube   string // kubeconfig; the cluster's own if empty
	broken atomic.Bool
	mutex  sync.Mutex
	runs   int
	spans  map[string]string // metric's, by evaluate's
}

func startTracedLogic(t *testing.T) *tracedLogic {
	t.Helper()
	l := &tracedLogic{spans: map[string]string{}}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

func (l *tracedLogic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var document struct{ Metrics []struct{ Value string } }
	if err := json.NewDecoder(r.Body).Decode(&document); err != nil || len(document.Metrics) != 1 || l.broken.Load() {
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.runs++
	l.spans[r.Header.Get("traceparent")] = strings.TrimSpace(document.Metrics[0].Value)
	_, _ = io.WriteString(w, `{"targetReplicas": 3}`)
}

func (l *tracedLogic) heard() (runs int, spans map[string]string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.runs, maps.Clone(l.spans)
}

// start starts the program with it, with these of OpenTelemetry's variables and no others: the test itself may be traced.
func (l *tracedLogic) start(t *testing.T, variables ...string) *harness.Program {
	t.Helper()
	traces := func(command *exec.Cmd) {
		command.Env = slices.DeleteFunc(command.Env, func(variable string) bool {
			return strings.HasPrefix(variable, "OTEL_") || strings.HasPrefix(variable, "TRACE")
		})
		command.Env = append(command.Env, variables...)
	}
	return harness.Start(t, harness.Options{Around: traces, Kube: l.kube, Config: harness.BaseConfig(harness.Deploy(t, 1)), Env: []string{
		`metric={type: shell, timeout: 20000, shell: {command: ["-c", "echo ${TRACEPARENT-unset}"]}}`,
		`evaluate={type: http, timeout: 20000, http: {method: POST, parameterMode: body, url: "` + l.url + `"}}`,
	}})
}

// ran waits for so many runs of evaluate.
func (l *tracedLogic) ran(t *testing.T, want int) {
	t.Helper()
	harness.Eventually(t, "evaluate to be run", func() (bool, error) {
		runs, _ := l.heard()
		return runs >= want, nil
	})
}

func TestTracesAPass(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, protocol string
		env            []string
		of             map[string]string
	}{
		{"over HTTP, which is the default", "", nil, map[string]string{"service.name": "custom-pod-autoscaler", "telemetry.sdk.language": "go"}},
		{"over HTTP, in short, with a name", "http/protobuf", []string{"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_SERVICE_NAME=web"}, map[string]string{"service.name": "web"}},
		{"over gRPC, with more to say", "grpc", []string{"OTEL_RESOURCE_ATTRIBUTES=service.name=web,team=shop"}, map[string]string{"service.name": "web", "team": "shop"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, l := harness.StartCollector(t, row.protocol), startTracedLogic(t)
			p := l.start(t, append(row.env, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_EXPORTER_OTLP_PROTOCOL="+row.protocol, "OTEL_BSP_SCHEDULE_DELAY=200")...)
			hasScaled(t, c, l)
			hasOnlyAsked(t, c, p)
			hasFailed(t, c, l)
			_, of := c.Came()
			for name, value := range row.of {
				if of[name] != value {
					t.Errorf("%s is %q, want %q", name, of[name], value)
				}
			}
		})
	}
}

func hasScaled(t *testing.T, c *harness.Collector, l *tracedLogic) {
	t.Helper()
	pass := c.Pass(t, "a pass that scales", func(p harness.TracedPass) bool { return p.About["cpa.replicas.current"] == "1" })
	pass.Has(t, "read_target", "list_pods", "kubernetes_metrics", "metric", "evaluate", "decide", "scale")
	want := map[string]string{
		"cpa.run_type": "scaler", "cpa.reasons": "DesiredWithinRange",
		"cpa.replicas.current": "1", "cpa.replicas.recommended": "3", "cpa.replicas.desired": "3",
	}
	if failures := pass.Failures(); !maps.Equal(pass.About, want) || len(failures) > 0 {
		t.Errorf("got %v and the failures %v, want %v", pass.About, failures, want)
	}
	metric, evaluate := traceparent(pass.Stages[3]), traceparent(pass.Stages[4])
	if _, spans := l.heard(); spans[evaluate] != metric {
		t.Errorf("metric and evaluate were told of %v, want %s and %s", spans, metric, evaluate)
	}
}

func hasOnlyAsked(t *testing.T, c *harness.Collector, p *harness.Program) {
	t.Helper()
	p.Call(http.MethodPost, "/api/v1/evaluation?dry_run=true")
	pass := c.Pass(t, "a dry run", func(p harness.TracedPass) bool { return p.About["cpa.run_type"] == "api_dry_run" })
	pass.Has(t, "read_target", "list_pods", "kubernetes_metrics", "metric", "evaluate", "decide")
}

func hasFailed(t *testing.T, c *harness.Collector, l *tracedLogic) {
	t.Helper()
	l.broken.Store(true)
	pass := c.Pass(t, "a pass that fails", func(p harness.TracedPass) bool { return len(p.Failures()) > 0 })
	pass.Has(t, "read_target", "list_pods", "kubernetes_metrics", "metric", "evaluate")
	failures := pass.Failures()
	for _, span := range []string{"evaluate", "pass"} {
		if !harness.ContainsAll(failures[span], []string{"running evaluate", "500", "out of order"}) || len(failures) != 2 {
			t.Errorf("the failures are %v, want that of evaluate, once more for the pass", failures)
		}
	}
}

func TestNothingIsTracedUnasked(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		env  func(url string) []string
	}{
		{"nothing is said of traces", func(string) []string { return nil }},
		{"metrics are asked for", func(url string) []string {
			return []string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=" + url + "/v1/traces"}
		}},
		{"all is off", func(url string) []string {
			return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "OTEL_SDK_DISABLED=true"}
		}},
		{"traces are off", func(url string) []string {
			return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "OTEL_TRACES_EXPORTER=none"}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, l := harness.StartCollector(t, ""), startTracedLogic(t)
			p := l.start(t, append(row.env(c.URL), "OTEL_BSP_SCHEDULE_DELAY=50")...)
			l.ran(t, 3)
			p.Stop()
			if _, spans := l.heard(); !maps.Equal(spans, map[string]string{"": "unset"}) {
				t.Errorf("metric, by evaluate, was told of %v, want nothing", spans)
			}
			if spans, _ := c.Came(); len(spans) > 0 {
				t.Errorf("%d spans were sent", len(spans))
			}
		})
	}
}

func TestACollectorThatIsAwayCostsNothing(t *testing.T) {
	t.Parallel()
	// Over gRPC each export is tried for so long: one pass that waited for one would take that, and stopping would, too.
	const givenUp = 6 * time.Second
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			l := startTracedLogic(t)
			p := l.start(t, fmt.Sprintf("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", harness.FreePort(t)), "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol,
				"OTEL_BSP_SCHEDULE_DELAY=50", fmt.Sprintf("OTEL_EXPORTER_OTLP_TIMEOUT=%d", givenUp.Milliseconds()))
			p.Logs("level=WARN", "OpenTelemetry has trouble with traces", "OTEL_EXPORTER_OTLP_ENDPOINT", "connection refused")
			// One without traces, on the same machine at the same time.
			other := startTracedLogic(t)
			other.start(t)
			other.ran(t, 1)
			const runs = 30
			before, _ := l.heard()
			otherBefore, _ := other.heard()
			l.ran(t, before+runs)
			if otherRuns, _ := other.heard(); otherRuns-otherBefore > 3*runs {
				t.Errorf("%d passes took as long as %d without traces: do they wait for the collector?", runs, otherRuns-otherBefore)
			}
			asked := time.Now()
			if code := p.Stop(); code != 0 || time.Since(asked) > givenUp {
				t.Errorf("it ended with the exit code %d after %s", code, time.Since(asked))
			}
			if warnings := p.Lines("level=WARN"); len(warnings) != 1 {
				t.Errorf("want one warning, got:\n%s", strings.Join(warnings, ""))
			}
		})
	}
}

func TestTheLastSpansAreSentAtTheStop(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			c, l := harness.StartCollector(t, protocol), startTracedLogic(t)
			p := l.start(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol, "OTEL_BSP_SCHEDULE_DELAY=60000")
			l.ran(t, 3)
			if early := c.Passes(); len(early) > 0 {
				t.Fatalf("%d passes were sent early", len(early))
			}
			if code := p.Stop(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			runs, _ := l.heard()
			if passes := c.Passes(); len(passes) < runs {
				t.Errorf("%d passes were sent, want %d", len(passes), runs)
			}
		})
	}
}

// TestOneThatIsAwayDoesNotKeepTheOtherFromTheLastWords: events go to kube-apiserver, spans to the collector.
func TestOneThatIsAwayDoesNotKeepTheOtherFromTheLastWords(t *testing.T) {
	t.Parallel()
	proxy, c, l := harness.StartProxy(t), harness.StartCollector(t, ""), startTracedLogic(t)
	l.kube = proxy.Kubeconfig
	p := l.start(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_BSP_SCHEDULE_DELAY=60000")
	l.ran(t, 1)
	proxy.Answer(harness.HangUp)
	p.Logs("pass failed, nothing was scaled") // which is an event that cannot be written
	if code := p.Stop(); code != 0 || len(c.Passes()) == 0 {
		t.Errorf("exit code %d, and %d passes were sent, want 0 and some", code, len(c.Passes()))
	}
}

// traceparent is how user logic is told of a span that is recorded, by W3C Trace Context.
func traceparent(span *tracepb.Span) string {
	return fmt.Sprintf("00-%x-%x-01", span.TraceId, span.SpanId)
}
