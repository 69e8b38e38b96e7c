package config

import (
	"testing"
)

func TestTracesAreSentWhereOpenTelemetrysVariablesSaySo(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"
	for name, row := range map[string]struct {
		environ  []string
		want     string
		warnings []string
	}{
		"nothing is said":                         {nil, "", nil},
		"an endpoint":                             {[]string{endpoint}, "http/protobuf", nil},
		"an endpoint for traces":                  {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4318/v1/traces"}, "http/protobuf", nil},
		"an endpoint for metrics is not for them": {[]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://collector:4318"}, "", nil},
		"the exporter, at its usual place":        {[]string{"OTEL_TRACES_EXPORTER=otlp"}, "http/protobuf", nil},
		"another protocol":                        {[]string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "grpc", nil},
		"another protocol for traces":             {[]string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf"}, "http/protobuf", nil},
		"no exporter":                             {[]string{endpoint, "OTEL_TRACES_EXPORTER=none"}, "", nil},
		"switched off":                            {[]string{endpoint, "OTEL_SDK_DISABLED=true"}, "", nil},
		"an exporter that is not known": {[]string{endpoint, "OTEL_TRACES_EXPORTER=zipkin"}, "",
			[]string{`environment variable OTEL_TRACES_EXPORTER: "zipkin" cannot be used here, so no traces are sent: use otlp or none`}},
		"an endpoint without a scheme": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=127.0.0.1:4317"}, "",
			[]string{`environment variable OTEL_EXPORTER_OTLP_ENDPOINT: "127.0.0.1:4317" cannot be used here, so no traces are sent: use a URL such as http://collector:4318`}},
		"a protocol that is not known": {[]string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"}, "",
			[]string{`environment variable OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" cannot be used here, so no traces are sent: use http/protobuf or grpc`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := load(t, complete(t, ""), row.environ...)
			if got.err != nil || got.Tracing != row.want {
				t.Errorf("got %q, %v; want %q", got.Tracing, got.err, row.want)
			}
			wantLines(t, "warnings", got.Warnings, row.warnings)
		})
	}
}
