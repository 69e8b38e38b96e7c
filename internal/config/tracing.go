package config

import (
	"cmp"
	"fmt"
	"strings"
)

// The protocols of OTLP that traces are sent by.
const (
	TracesOverHTTP = "http/protobuf"
	TracesOverGRPC = "grpc"
)

// readTracing gives the protocol to send traces by, or "" where OpenTelemetry's own variables, which every program of a
// cluster may be given, do not ask for traces. What they say of endpoints, headers or sampling is OpenTelemetry's to read.
func (l *ledger) readTracing(variables map[string]string) string {
	const exporter, sharedProtocol, tracesProtocol = "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	wanted := cmp.Or(variables["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], variables["OTEL_EXPORTER_OTLP_ENDPOINT"]) != ""
	switch chosen := variables[exporter]; {
	case strings.EqualFold(variables["OTEL_SDK_DISABLED"], "true"), chosen == "none":
		return ""
	case chosen == "" && !wanted:
		return ""
	case chosen != "" && chosen != "otlp":
		l.refuseTracing(exporter, chosen, "otlp or none")
		return ""
	}
	name := sharedProtocol
	if variables[tracesProtocol] != "" {
		name = tracesProtocol
	}
	protocol := cmp.Or(variables[name], TracesOverHTTP)
	if protocol != TracesOverHTTP && protocol != TracesOverGRPC {
		l.refuseTracing(name, protocol, TracesOverHTTP+" or "+TracesOverGRPC)
		return ""
	}
	return protocol
}

// refuseTracing is a warning: the variables may have been set for somebody else, and scaling does not depend on traces.
func (l *ledger) refuseTracing(name, value, allowed string) {
	l.warnings = append(l.warnings, fmt.Sprintf("environment variable %s: %q is not known here, so no traces are sent: use %s", name, shorten(value), allowed))
}
