package harness

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // a collector takes it, over HTTP and over gRPC
	"google.golang.org/protobuf/proto"
)

// Collector takes spans by OTLP, as a collector of traces does, and keeps them.
type Collector struct {
	coltracepb.UnimplementedTraceServiceServer
	URL   string
	mutex sync.Mutex
	taken []*coltracepb.ExportTraceServiceRequest
}

// StartCollector starts one that is spoken to over gRPC, or over HTTP, and ends it with the test.
func StartCollector(t *testing.T, protocol string) *Collector {
	t.Helper()
	c := &Collector{}
	if protocol != "grpc" {
		server := httptest.NewServer(c)
		t.Cleanup(server.Close)
		c.URL = server.URL
		return c
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	coltracepb.RegisterTraceServiceServer(server, c)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	c.URL = "http://" + listener.Addr().String()
	return c
}

// Export is the call over gRPC.
func (c *Collector) Export(_ context.Context, request *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.taken = append(c.taken, request)
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

// ServeHTTP is the call over HTTP, and answers all else as a collector does: then what is waited for does not come.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.NotFound(w, r)
		return
	}
	request, err := readSpans(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = c.Export(r.Context(), request)
	w.Header().Set("Content-Type", "application/x-protobuf") // of a response that is empty
}

func readSpans(r *http.Request) (*coltracepb.ExportTraceServiceRequest, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	request := &coltracepb.ExportTraceServiceRequest{}
	return request, proto.Unmarshal(text, request)
}

// Came gives the spans that came so far, in their order, and what they are said to be of.
func (c *Collector) Came() (spans []*tracepb.Span, of map[string]string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, request := range c.taken {
		for _, resource := range request.ResourceSpans {
			of = inText(resource.Resource.Attributes)
			for _, scope := range resource.ScopeSpans {
				spans = append(spans, scope.Spans...)
			}
		}
	}
	return spans, of
}

func inText(attributes []*commonpb.KeyValue) map[string]string {
	text := map[string]string{}
	for _, attribute := range attributes {
		switch value := attribute.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			text[attribute.Key] = value.StringValue
		case *commonpb.AnyValue_IntValue:
			text[attribute.Key] = strconv.FormatInt(value.IntValue, 10)
		}
	}
	return text
}

// TracedPass is the span of a pass, and those of its stages, in the order in which they ended.
type TracedPass struct {
	span   *tracepb.Span
	About  map[string]string
	Stages []*tracepb.Span
}

// Passes are those whose own span has come, which is the last of them to end.
func (c *Collector) Passes() (passes []TracedPass) {
	spans, _ := c.Came()
	for i, span := range spans {
		if span.Name != "pass" {
			continue
		}
		pass := TracedPass{span: span, About: inText(span.Attributes)}
		for _, stage := range spans[:i] {
			if string(stage.ParentSpanId) == string(span.SpanId) {
				pass.Stages = append(pass.Stages, stage)
			}
		}
		passes = append(passes, pass)
	}
	return passes
}

// Pass waits for a pass that fits.
func (c *Collector) Pass(t *testing.T, what string, fits func(TracedPass) bool) (found TracedPass) {
	t.Helper()
	Eventually(t, "the trace of "+what, func() (bool, error) {
		passes := c.Passes()
		i := slices.IndexFunc(passes, fits)
		if i >= 0 {
			found = passes[i]
		}
		return i >= 0, fmt.Errorf("of %d traces", len(passes))
	})
	return found
}

// Has holds that the stages are just these, each within the pass and its trace, which begins with it.
func (p TracedPass) Has(t *testing.T, stages ...string) {
	t.Helper()
	var names []string
	for _, stage := range p.Stages {
		names = append(names, stage.Name)
		times := []uint64{p.span.StartTimeUnixNano, stage.StartTimeUnixNano, stage.EndTimeUnixNano, p.span.EndTimeUnixNano}
		if string(stage.TraceId) != string(p.span.TraceId) || !slices.IsSorted(times) {
			t.Errorf("%v is not within the pass %v", stage, p.span)
		}
	}
	if !slices.Equal(names, stages) || len(p.span.ParentSpanId) > 0 {
		t.Fatalf("the stages of %v are %v, want %v", p.span, names, stages)
	}
}

// Failures are what the spans that failed say, by their names.
func (p TracedPass) Failures() map[string]string {
	failures := map[string]string{}
	for _, span := range append(slices.Clone(p.Stages), p.span) {
		if span.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
			failures[span.Name] = span.Status.Message
		}
	}
	return failures
}
