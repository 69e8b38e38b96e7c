package method

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// TimeHeader is the time of the pass; as a variable it is CPA_TIME.
const TimeHeader = "Cpa-Time"

// timeFormat is read by what every language has for ISO 8601, which not everywhere knows a Z.
const timeFormat = "2006-01-02T15:04:05.000-07:00"

// traceContext is how user logic is told which trace it is part of, so that it can add spans of its own to it, by the
// headers of W3C Trace Context. Where nothing is traced there are none.
var traceContext propagation.TraceContext

// Told is what user logic is told besides its document, by headers.
func Told(ctx context.Context, document Document) map[string]string {
	headers := propagation.MapCarrier{}
	traceContext.Inject(ctx, headers)
	if began := document.Began; !began.IsZero() {
		headers[TimeHeader] = began.UTC().Format(timeFormat)
	}
	return headers
}

// Variables are the same for a program: by environment variables of the same names.
func Variables(ctx context.Context, document Document) []string {
	var all []string
	for name, value := range Told(ctx, document) {
		all = append(all, strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+value)
	}
	return all
}
