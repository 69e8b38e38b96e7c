package telemetry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"k8s.io/klog/v2"
)

func TestLevelsAreWrittenAsTheVerbosityThatAsksForThem(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, slog.Level(-2))
	for _, level := range []slog.Level{slog.LevelError, slog.LevelInfo, -1, -2, -3} {
		log.Log(context.Background(), level, "said")
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Fields(line)[1])
	}
	if want := "level=ERROR level=INFO level=V1 level=V2"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestTheLibrariesLogTheSameWayButNotMore(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, slog.Level(-3))
	klog.V(1).InfoS("Feature gates")
	klog.ErrorS(errors.New("no route"), "Watching failed")
	if got := out.String(); !strings.Contains(got, `level=ERROR msg="Watching failed" err="no route"`) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q", got)
	}
}
