package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

const example = "../../examples/k8s-metrics-cpu"

// TestDemo is the whole demo, as short as it can be.
func TestDemo(t *testing.T) {
	var out bytes.Buffer
	err := (&demo{out: &out, progress: &progress{out: os.Stderr}, length: shortest}).run(t.Context())
	if err != nil {
		t.Errorf("the demo failed: %v", err)
	}
	for _, want := range []string{"1 → ", "DesiredWithinRange", "ScaleDownStabilized", "50% wanted", "What happened"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not show %q", want)
		}
	}
	if t.Failed() {
		t.Logf("it showed:\n%s", &out)
	}
}

func TestLoadRisesAndFalls(t *testing.T) {
	load := hill{low: 80, high: 760, length: 100 * time.Second}
	for _, row := range []struct {
		name   string
		second int
		want   int
	}{
		{"starts low", 0, 80},
		{"is half way up", 19, 420},
		{"is high", 38, 760},
		{"stays high", 46, 760},
		{"is half way down", 51, 420},
		{"is low again", 56, 80},
		{"stays low", 100, 80},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := load.at(time.Duration(row.second) * time.Second); got != row.want {
				t.Errorf("at %ds it is %dm, want %dm", row.second, got, row.want)
			}
		})
	}
}

func TestPodsCarryTheWholeLoad(t *testing.T) {
	for _, row := range []struct{ load, pods, want int }{{760, 1, 760}, {760, 8, 95}, {100, 3, 34}, {100, 0, 0}} {
		if got := share(row.load, row.pods); got != row.want {
			t.Errorf("%dm over %d pods: each carries %dm, want %dm", row.load, row.pods, got, row.want)
		}
	}
}

func TestParsePass(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 15, 0, time.UTC)
	for _, row := range []struct {
		name, line string
		want       pass
		ok         bool
	}{
		{"scaled", `time=2026-03-01T10:00:15.000+01:00 level=INFO msg=scaled current=1 recommended=3 replicas=3 reasons=DesiredWithinRange because="3 recommended, within 1 and 10" userReason="141% busy, 50% wanted"`,
			pass{at: at, current: 1, recommended: 3, replicas: 3, reasons: []string{"DesiredWithinRange"},
				because: []string{"3 recommended, within 1 and 10"}, userReason: "141% busy, 50% wanted"}, true},
		{"kept for two reasons", `time=2026-03-01T09:00:15Z level=V1 msg="kept replicas" current=3 recommended=0 replicas=3 reasons=TooFewReplicas,ScaleDownStabilized because="0 recommended, minReplicas is 1; 3 was recommended at 09:00:12, which holds until 09:00:32"`,
			pass{at: at, current: 3, replicas: 3, reasons: []string{"TooFewReplicas", "ScaleDownStabilized"},
				because: []string{"0 recommended, minReplicas is 1", "3 was recommended at 09:00:12, which holds until 09:00:32"}}, true},
		{"failed", `time=2026-03-01T09:00:15Z level=ERROR msg="pass failed, nothing was scaled" err="\"web\": running metric: a=b"`,
			pass{at: at, failure: `"web": running metric: a=b`}, true},
		{"about something else", `time=2026-03-01T09:00:15Z level=INFO msg=stopped`, pass{}, false},
		{"not of the log", `panic: scaled`, pass{}, false},
		{"cut short", `time=2026-03-01T09:00:15Z level=INFO msg="kept repl`, pass{}, false},
		{"empty", ``, pass{}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, ok := parsePass(row.line)
			if ok != row.ok || !reflect.DeepEqual(got, row.want) {
				t.Errorf("got %+v, %t\nwant %+v, %t", got, ok, row.want, row.ok)
			}
		})
	}
}

// example80s is a story of 80 seconds so far: the load was followed up, and is held.
func example80s() *story {
	at := func(second int) time.Time { return time.Date(2026, 3, 1, 9, 0, second, 0, time.UTC) }
	within, held := []string{"DesiredWithinRange"}, []string{"DesiredWithinRange", "ScaleDownStabilized"}
	s := &story{load: hill{low: 80, high: 760, length: 110 * time.Second}, request: 200, passes: []pass{
		{at: at(3), current: 1, recommended: 1, replicas: 1, reasons: within, userReason: "40% busy, 50% wanted"},
		{at: at(20), current: 1, recommended: 3, replicas: 3, reasons: within, userReason: "141% busy, 50% wanted"},
		{at: at(23), current: 3, recommended: 3, replicas: 3, reasons: within, userReason: "141% busy, 50% wanted"},
		{at: at(30), failure: "gathering Kubernetes metrics: 1 of 1 failed: metrics.k8s.io/v1beta1 has no metrics of the target's pods (3) yet: a pod is measured within a minute of its start"},
		{at: at(45), current: 3, recommended: 8, replicas: 8, reasons: within, userReason: "126% busy, 50% wanted"},
		{at: at(50), current: 8, recommended: 6, replicas: 8, reasons: held, because: []string{"", "8 was recommended at 09:00:45, which holds until 09:01:05"}, userReason: "36% busy, 50% wanted"},
		{at: at(53), current: 8, recommended: 4, replicas: 8, reasons: held, because: []string{"", "8 was recommended at 09:00:45, which holds until 09:01:05"}, userReason: "24% busy, 50% wanted"},
	}}
	for second := range 81 {
		now := sample{at: time.Duration(second) * time.Second, ready: 1, wanted: 1, measured: 62}
		now.load = s.load.at(now.at)
		if second > 20 {
			now.ready, now.wanted = 1, 3
		}
		if second > 45 {
			now.ready, now.wanted = 6, 8
		}
		s.samples = append(s.samples, now)
	}
	return s
}

func TestFrame(t *testing.T) {
	overrides := settings{interval: 3 * time.Second, stabilization: 20 * time.Second}
	for _, size := range []struct{ width, height int }{{80, 23}, {100, 39}, {60, 20}} {
		name := fmt.Sprintf("%dx%d", size.width, size.height)
		t.Run(name, func(t *testing.T) {
			var screen strings.Builder
			lines := frame(example80s(), overrides, size.width, size.height)
			for _, line := range lines {
				fmt.Fprintln(&screen, line)
				if line.width() > size.width {
					t.Errorf("a line is %d wide: %s", line.width(), line)
				}
			}
			if len(lines) > size.height {
				t.Errorf("it is %d lines high", len(lines))
			}
			golden(t, name, screen.String())
		})
	}
}

func TestSummary(t *testing.T) {
	sum := summarize(example80s())
	var text strings.Builder
	for _, line := range sum.lines() {
		fmt.Fprintln(&text, line)
	}
	golden(t, "summary", text.String())
}

func TestLines(t *testing.T) {
	whole := example80s()
	var out bytes.Buffer
	view := newView(&out, settings{interval: 3 * time.Second, stabilization: 20 * time.Second})
	for i := range whole.samples {
		soFar := *whole
		soFar.samples, soFar.passes = whole.samples[:i+1], whole.passes[:min(i/10, len(whole.passes))]
		view.show(&soFar)
	}
	golden(t, "lines", out.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s (-update writes it anew)\n%s", got, file, want)
	}
}

func TestColoursAreFewAndEnd(t *testing.T) {
	l := line{{plainInk, "a"}, {loadInk, "b"}, {loadInk, "c"}, {titleInk, "d"}}
	if got, want := l.coloured(), "a\x1b[0m\x1b[38;5;67mbc\x1b[0m\x1b[1md\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := l.cut(3).coloured(), "a\x1b[0m\x1b[38;5;67mb…\x1b[0m"; got != want {
		t.Errorf("cut: got %q, want %q", got, want)
	}
}

func TestSelfCheck(t *testing.T) {
	for _, row := range []struct {
		name string
		sum  summary
		want string
	}{
		{"up and down", summary{most: 8, end: 1}, ""},
		{"never up", summary{most: 1, end: 1, peakLoad: 760}, "the replicas only to 1"},
		{"never down", summary{most: 8, end: 8, endLoad: 80}, "only from 8 to 8"},
		{"no pass at all", summary{}, "the program made no pass"},
		{"only failures", summary{failures: 3, lastFailure: "no metrics"}, "3 failed; the last failure: no metrics"},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := row.sum.problem()
			if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

func TestProgressIsHeldBack(t *testing.T) {
	var out bytes.Buffer
	p := &progress{out: &out}
	p.say("one")
	p.hold()
	p.say("two")
	if got := out.String(); got != "demo: one\n" {
		t.Errorf("while it is held: %q", got)
	}
	p.release()
	if got := out.String(); got != "demo: one\ndemo: two\n" {
		t.Errorf("afterwards: %q", got)
	}
}

// TestWhatTheExampleSays keeps our constants and words true.
func TestWhatTheExampleSays(t *testing.T) {
	for file, words := range map[string][]string{
		"evaluate.py": {fmt.Sprintf("TARGET_UTILIZATION = %d ", wantedPercent)},
		"config.yaml": {fmt.Sprintf("maxReplicas: %d\n", maxReplicas), "namespace: " + namespace + "\n", "interval: 10000\n", "downscaleStabilization: 300\n"},
	} {
		content, err := os.ReadFile(filepath.Join(example, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(string(content), word) {
				t.Errorf("%s no longer says %q", file, word)
			}
		}
	}
}
