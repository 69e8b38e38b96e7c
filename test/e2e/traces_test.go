package e2e

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
func (l *tracedLogic) start(t *testing.T, variables ...string) *program {
	t.Helper()
	traces := func(command *exec.Cmd) {
		command.Env = slices.DeleteFunc(command.Env, func(variable string) bool {
			return strings.HasPrefix(variable, "OTEL_") || strings.HasPrefix(variable, "TRACE")
		})
		command.Env = append(command.Env, variables...)
	}
	return start(t, options{around: traces, kube: l.kube, config: base(deploy(t, 1)), env: []string{
		`metric={type: shell, timeout: 20000, shell: {command: ["-c", "echo ${TRACEPARENT-unset}"]}}`,
		`evaluate={type: http, timeout: 20000, http: {method: POST, parameterMode: body, url: "` + l.url + `"}}`,
	}})
}

// ran waits for so many runs of evaluate.
func (l *tracedLogic) ran(t *testing.T, want int) {
	t.Helper()
	eventually(t, "evaluate to be run", func() (bool, error) {
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
			c, l := startCollector(t, row.protocol), startTracedLogic(t)
			p := l.start(t, append(row.env, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_EXPORTER_OTLP_PROTOCOL="+row.protocol, "OTEL_BSP_SCHEDULE_DELAY=200")...)
			c.hasScaled(t, l)
			c.hasOnlyAsked(t, p)
			c.hasFailed(t, l)
			_, of := c.came()
			for name, value := range row.of {
				if of[name] != value {
					t.Errorf("%s is %q, want %q", name, of[name], value)
				}
			}
		})
	}
}

func (c *collector) hasScaled(t *testing.T, l *tracedLogic) {
	t.Helper()
	pass := c.pass(t, "a pass that scales", func(p tracedPass) bool { return p.about["cpa.replicas.current"] == "1" })
	pass.has(t, "read_target", "list_pods", "kubernetes_metrics", "metric", "evaluate", "decide", "scale")
	want := map[string]string{
		"cpa.run_type": "scaler", "cpa.reasons": "DesiredWithinRange",
		"cpa.replicas.current": "1", "cpa.replicas.recommended": "3", "cpa.replicas.desired": "3",
	}
	if failures := pass.failures(); !maps.Equal(pass.about, want) || len(failures) > 0 {
		t.Errorf("got %v and the failures %v, want %v", pass.about, failures, want)
	}
	metric, evaluate := traceparent(pass.stages[3]), traceparent(pass.stages[4])
	if _, spans := l.heard(); spans[evaluate] != metric {
		t.Errorf("metric and evaluate were told of %v, want %s and %s", spans, metric, evaluate)
	}
}

func (c *collector) hasOnlyAsked(t *testing.T, p *program) {
	t.Helper()
	p.call(http.MethodPost, "/api/v1/evaluation?dry_run=true")
	pass := c.pass(t, "a dry run", func(p tracedPass) bool { return p.about["cpa.run_type"] == "api_dry_run" })
	pass.has(t, "read_target", "list_pods", "kubernetes_metrics", "metric", "evaluate", "decide")
}

func (c *collector) hasFailed(t *testing.T, l *tracedLogic) {
	t.Helper()
	l.broken.Store(true)
	pass := c.pass(t, "a pass that fails", func(p tracedPass) bool { return len(p.failures()) > 0 })
	pass.has(t, "read_target", "list_pods", "kubernetes_metrics", "metric", "evaluate")
	failures := pass.failures()
	for _, span := range []string{"evaluate", "pass"} {
		if !containsAll(failures[span], []string{"running evaluate", "500", "out of order"}) || len(failures) != 2 {
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
			c, l := startCollector(t, ""), startTracedLogic(t)
			p := l.start(t, append(row.env(c.url), "OTEL_BSP_SCHEDULE_DELAY=50")...)
			l.ran(t, 3)
			p.stop()
			if _, spans := l.heard(); !maps.Equal(spans, map[string]string{"": "unset"}) {
				t.Errorf("metric, by evaluate, was told of %v, want nothing", spans)
			}
			if spans, _ := c.came(); len(spans) > 0 {
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
			p := l.start(t, fmt.Sprintf("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", freePort(t)), "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol,
				"OTEL_BSP_SCHEDULE_DELAY=50", fmt.Sprintf("OTEL_EXPORTER_OTLP_TIMEOUT=%d", givenUp.Milliseconds()))
			p.logs("level=WARN", "OpenTelemetry has trouble with traces", "OTEL_EXPORTER_OTLP_ENDPOINT", "connection refused")
			began, runs := time.Now(), 30
			before, _ := l.heard()
			l.ran(t, before+runs)
			if took := time.Since(began); took > time.Duration(runs)*300*time.Millisecond+2*givenUp {
				t.Errorf("%d passes took %s: do they wait for the collector?", runs, took)
			}
			asked := time.Now()
			if code := p.stop(); code != 0 || time.Since(asked) > givenUp {
				t.Errorf("it ended with the exit code %d after %s", code, time.Since(asked))
			}
			if warnings := p.lines("level=WARN"); len(warnings) != 1 {
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
			c, l := startCollector(t, protocol), startTracedLogic(t)
			p := l.start(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol, "OTEL_BSP_SCHEDULE_DELAY=60000")
			l.ran(t, 3)
			if early := c.passes(); len(early) > 0 {
				t.Fatalf("%d passes were sent early", len(early))
			}
			if code := p.stop(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			runs, _ := l.heard()
			if passes := c.passes(); len(passes) < runs {
				t.Errorf("%d passes were sent, want %d", len(passes), runs)
			}
		})
	}
}

// TestOneThatIsAwayDoesNotKeepTheOtherFromTheLastWords: events go to kube-apiserver, spans to the collector.
func TestOneThatIsAwayDoesNotKeepTheOtherFromTheLastWords(t *testing.T) {
	t.Parallel()
	proxy, c, l := startProxy(t), startCollector(t, ""), startTracedLogic(t)
	l.kube = proxy.kubeconfig
	p := l.start(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_BSP_SCHEDULE_DELAY=60000")
	l.ran(t, 1)
	proxy.answer(hangUp)
	p.logs("pass failed, nothing was scaled") // which is an event that cannot be written
	if code := p.stop(); code != 0 || len(c.passes()) == 0 {
		t.Errorf("exit code %d, and %d passes were sent, want 0 and some", code, len(c.passes()))
	}
}
