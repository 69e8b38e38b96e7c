package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const scope = "github.com/custom-pod-autoscaler/autoscaler"

// Tracing sends spans by OTLP, in the background, or sends none.
type Tracing struct {
	Tracer trace.Tracer
	close  func(context.Context) error
}

// NoTracing starts nothing.
func NoTracing() *Tracing {
	return &Tracing{Tracer: noop.NewTracerProvider().Tracer(scope), close: func(context.Context) error { return nil }}
}

// NewTracing sends spans as OpenTelemetry's environment variables say, over gRPC or HTTP. A collector that is away costs
// spans and nothing else: it is connected to in the background.
func NewTracing(ctx context.Context, overGRPC bool, version string, log *slog.Logger) (*Tracing, error) {
	client := otlptracehttp.NewClient(otlptracehttp.WithProxy(proxyUnlessRedirected))
	if overGRPC {
		client = otlptracegrpc.NewClient()
	}
	// OpenTelemetry has one of each for the whole process.
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(WarnOnce(log, "OpenTelemetry has trouble with traces; is the collector there, and are its variables right? (OTEL_EXPORTER_OTLP_ENDPOINT)")))
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("setting up traces (OTEL_EXPORTER_OTLP_*): %w", err)
	}
	// What the environment says of the resource comes last, and so counts; what cannot be read of it is told the handler.
	about, _ := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "custom-pod-autoscaler"), attribute.String("service.version", version)),
		resource.WithFromEnv())
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &Tracing{Tracer: provider.Tracer(scope), close: provider.Shutdown}, nil
}

// proxyUnlessRedirected finds the proxy of a request, and refuses a redirect of the collector to another server: the
// headers of OTEL_EXPORTER_OTLP_HEADERS, such as an API key, would go there. It is the one place of the exporter that
// sees each request; a client of our own would have to read the variables for certificates and timeouts, too.
func proxyUnlessRedirected(request *http.Request) (*url.URL, error) {
	if answer := request.Response; answer != nil && answer.Request != nil {
		from, to := answer.Request.URL, request.URL
		if from.Scheme != to.Scheme || from.Host != to.Host || request.Method != answer.Request.Method {
			return nil, fmt.Errorf("the collector redirected with %s to %s://%s%s; spans are sent to the same server only: "+
				"set OTEL_EXPORTER_OTLP_ENDPOINT to the right one", answer.Status, to.Scheme, to.Host, to.EscapedPath())
		}
	}
	return http.ProxyFromEnvironment(request)
}

// Close sends what is still to be sent, until ctx is done.
func (t *Tracing) Close(ctx context.Context) error { return t.close(ctx) }
