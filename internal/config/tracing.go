package config

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/http"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// The protocols of OTLP that traces are sent by.
const (
	TracesOverHTTP = "http/protobuf"
	TracesOverGRPC = "grpc"
)

// readTracing gives the protocol to send traces by, or "" where OpenTelemetry's own variables, which every program of a
// cluster may be given, do not ask for traces. What they say of endpoints, headers or sampling is OpenTelemetry's to read.
func readTracing(l *decode.Ledger, variables map[string]string) string {
	const exporter, sharedProtocol, tracesProtocol = "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	endpoint := cmp.Or(variables["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], variables["OTEL_EXPORTER_OTLP_ENDPOINT"])
	switch chosen := variables[exporter]; {
	case strings.EqualFold(variables["OTEL_SDK_DISABLED"], "true"), chosen == "none":
		return ""
	case chosen == "" && endpoint == "":
		return ""
	case chosen != "" && chosen != "otlp":
		return refuseTracing(l, exporter, chosen, "otlp or none")
	case endpoint != "" && !http.IsAddress(endpoint): // which OpenTelemetry takes for its own machine
		return refuseTracing(l, "OTEL_EXPORTER_OTLP_ENDPOINT", secret.URL(endpoint), "a URL such as http://collector:4318")
	}
	name := sharedProtocol
	if variables[tracesProtocol] != "" {
		name = tracesProtocol
	}
	protocol := cmp.Or(variables[name], TracesOverHTTP)
	if protocol != TracesOverHTTP && protocol != TracesOverGRPC {
		return refuseTracing(l, name, protocol, TracesOverHTTP+" or "+TracesOverGRPC)
	}
	return protocol
}

// refuseTracing is a warning: the variables may have been set for somebody else, and scaling does not depend on traces.
func refuseTracing(l *decode.Ledger, name, value, allowed string) (none string) {
	l.Say(fmt.Sprintf("environment variable %s: %q cannot be used here, so no traces are sent: use %s", name, decode.Shorten(secret.Mask(value)), allowed))
	return ""
}
