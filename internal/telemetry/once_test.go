package telemetry

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestAnErrorIsWarnedOfWhenItIsNew(t *testing.T) {
	var out bytes.Buffer
	warn := WarnOnce(slog.New(slog.NewTextHandler(&out, nil)), "writing failed")
	for _, row := range []struct {
		err  error
		want string
	}{
		{nil, ""}, {errors.New("away"), "away"}, {errors.New("away"), ""}, {errors.New("forbidden"), "forbidden"},
		{errors.New("away"), "away"}, {nil, ""}, {errors.New("away"), "away"},
	} {
		out.Reset()
		warn(row.err)
		if got := out.String(); (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
			t.Errorf("%v: got %q", row.err, got)
		}
	}
}
