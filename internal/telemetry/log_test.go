package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/klog/v2"
)

func TestLevelsAreWrittenAsTheVerbosityThatAsksForThem(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, slog.Level(-2), false)
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
	NewLogger(&out, slog.Level(-3), false)
	klog.V(1).InfoS("Feature gates")
	klog.ErrorS(errors.New("no route"), "Watching failed")
	if got := out.String(); !strings.Contains(got, `level=ERROR msg="Watching failed" err="no route"`) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q", got)
	}
}

func TestEachLineOfAJSONLogIsAnObject(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, slog.Level(-1), true)
	log.Log(context.Background(), -1, "kept replicas", "took", 3*time.Second, "err", errors.New("a\nb"))
	klog.ErrorS(errors.New("no route"), "Watching failed")
	var messages []string
	for line := range strings.Lines(out.String()) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		messages = append(messages, fmt.Sprintf("%v %v %v %v", object["level"], object["msg"], object["took"], object["err"]))
	}
	if want := []string{"V1 kept replicas 3s a\nb", "ERROR Watching failed <nil> no route"}; !slices.Equal(messages, want) {
		t.Errorf("got %q, want %q", messages, want)
	}
}

func TestLoggerMasksEveryText(t *testing.T) {
	hide := func(text string) string { return strings.ReplaceAll(text, "s3cr3t", "***") }
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		log := NewLogger(&out, slog.Level(-3), asJSON, hide)
		log.With("of", "s3cr3t").WithGroup("group").Error("message s3cr3t", "text", "s3cr3t", "err", errors.New("s3cr3t"),
			"list", []string{"s3cr3t"}, "map", map[string]string{"a": "s3cr3t"}, "object", struct{ A string }{"s3cr3t"},
			"url", &url.URL{Host: "s3cr3t"}, "number", 7, "took", time.Second)
		klog.ErrorS(errors.New("s3cr3t"), "of a library", "text", "s3cr3t")
		if got := out.String(); strings.Contains(got, "s3cr3t") || strings.Count(got, "***") != 10 || !strings.Contains(got, "1s") || !strings.Contains(got, "7") {
			t.Errorf("got %s", got)
		}
	}
}
