package telemetry

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnErrorIsWarnedOfWhenItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		warn := WarnOnce(slog.New(slog.NewTextHandler(&out, nil)), "writing failed")
		start := time.Now()
		for _, row := range []struct {
			at   time.Duration
			err  string // "" is none
			says bool
		}{
			{0, "", false},
			{0, "port 1: away", true},
			{time.Second, "port 2: away", false},
			{2 * time.Second, "forbidden", false}, // too soon after the other
			{2 * time.Minute, "forbidden", true},
			{2 * time.Minute, "", false},
			{2 * time.Minute, "forbidden", true}, // it was over in between
			{11 * time.Minute, "forbidden", false},
			{22 * time.Minute, "forbidden", true}, // nobody said that it was over, but it must have been
		} {
			time.Sleep(row.at - time.Since(start))
			out.Reset()
			if row.err == "" {
				warn(nil)
			} else {
				warn(errors.New(row.err))
			}
			if got := out.String(); (got != "") != row.says || !strings.Contains(got, row.err) && row.says {
				t.Errorf("at %s, %q: got %q", row.at, row.err, got)
			}
		}
	})
}
