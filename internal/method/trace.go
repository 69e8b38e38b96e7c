package method

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// traceContext is how user logic is told which trace it is part of, so that it can add spans of its own to it: by the
// headers of W3C Trace Context, and by environment variables of the same names. Where nothing is traced there are none.
var traceContext propagation.TraceContext

func traceVariables(ctx context.Context) []string {
	headers := propagation.MapCarrier{}
	traceContext.Inject(ctx, headers)
	var variables []string
	for name, value := range headers {
		variables = append(variables, strings.ToUpper(name)+"="+value)
	}
	return variables
}
