package decision

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start is when every timeline begins.
var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// TestTimelines plays testdata/*.timeline: a line of rules, then one line a pass.
//
//	min 1 max 10 window 60s
//	at 15s current 3 recommend 8 -> 8 DesiredWithinRange
func TestTimelines(t *testing.T) {
	files, err := filepath.Glob("testdata/*.timeline")
	if err != nil || len(files) == 0 {
		t.Fatalf("no timelines: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".timeline"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, path string) {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rules Rules
	var state State
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		var at, window string
		var current, recommended int32
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "min"):
			rules, state = Rules{}, State{}
			mustScan(t, line, "min %d max %d window %s", &rules.Min, &rules.Max, &window)
			rules.StabilizationWindow = duration(t, window)
		default:
			pass, want, _ := strings.Cut(line, " -> ")
			mustScan(t, pass, "at %s current %d recommend %d", &at, &current, &recommended)
			var decided Decision
			decided, state = Decide(start.Add(duration(t, at)), rules, Input{current, recommended}, state)
			if got := fmt.Sprintf("%d %s", decided.Replicas, decided.Reasons()); got != want {
				t.Errorf("%s:%d: %s\n got %s\nwant %s", path, n, pass, got, want)
			}
		}
	}
}

func mustScan(t *testing.T, line, format string, values ...any) {
	t.Helper()
	if _, err := fmt.Sscanf(line, format, values...); err != nil {
		t.Fatalf("%q is not %q: %v", line, format, err)
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestExplanationSaysWhichRuleAndUntilWhen(t *testing.T) {
	rules := Rules{Min: 1, Max: 10, StabilizationWindow: time.Minute}
	_, state := Decide(start, rules, Input{3, 30}, State{})
	decided, _ := Decide(start.Add(15*time.Second), rules, Input{10, 0}, state)
	want := "0 recommended, minReplicas is 1; 10 was recommended at 12:00:00, which holds until 12:01:00"
	if got := decided.Explanation(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestAskingLeavesNoTrace(t *testing.T) {
	rules := Rules{Min: 1, Max: 10, StabilizationWindow: time.Minute}
	_, state := Decide(start, rules, Input{3, 3}, State{})
	Decide(start, rules, Input{3, 9}, state) // the new state is dropped
	decided, _ := Decide(start.Add(time.Second), rules, Input{3, 2}, state)
	if decided.Replicas != 3 {
		t.Errorf("got %d replicas, want 3: a dropped state must not count", decided.Replicas)
	}
}

// TestDecideAgreesWithItsDefinition compares with the plain reading of the rule: the highest limited recommendation
// of the window, where the state keeps everything.
func TestDecideAgreesWithItsDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		rules := Rules{Min: random.Int32N(3), StabilizationWindow: time.Duration(random.IntN(5)) * 15 * time.Second}
		rules.Max = rules.Min + random.Int32N(12)
		current, now := random.Int32N(12), start
		all := []recommendation{{now, rules.clamp(current)}}
		var state State
		for range 40 {
			recommended := random.Int32N(15)
			all = append(all, recommendation{now, rules.clamp(recommended)})
			want := rules.clamp(recommended)
			for _, r := range all {
				if rules.StabilizationWindow > 0 && now.Sub(r.At) <= rules.StabilizationWindow {
					want = max(want, r.Replicas)
				}
			}
			var decided Decision
			decided, state = Decide(now, rules, Input{current, recommended}, state)
			if decided.Replicas != want {
				t.Fatalf("rules %+v, recommended %d at %s: got %d, want %d", rules, recommended, now, decided.Replicas, want)
			}
			if width := int(rules.Max-rules.Min) + 1; len(state.recommendations) > width {
				t.Fatalf("the history holds %d recommendations, want at most %d", len(state.recommendations), width)
			}
			current, now = decided.Replicas, now.Add(time.Duration(random.IntN(20))*time.Second)
		}
	}
}
