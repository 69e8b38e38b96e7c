package simulation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
)

// worldOf has pods that take 10 each, run after 2 seconds, and are ready after 3 more.
func worldOf(t *testing.T, replicas int32, change func(*Settings)) *World {
	t.Helper()
	settings := Default()
	settings.Replicas, settings.Load, settings.Duration.Duration = replicas, []load.Part{{Shape: "flat", Low: 20}}, time.Hour
	settings.Pods.Capacity, settings.Pods.Ready.Duration = 10, 3*time.Second
	if change != nil {
		change(&settings)
	}
	world, err := NewWorld(settings)
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// state is a world in short: which pods are pending (p), running (r), ready (R) or ending (e), and the backlog.
func (w *World) state() string {
	var all strings.Builder
	for _, p := range w.pods {
		letter := "p"
		switch {
		case p.ends > 0:
			letter = "e"
		case w.isReady(p):
			letter = "R"
		case w.isRunning(p):
			letter = "r"
		}
		all.WriteString(letter)
	}
	return fmt.Sprintf("%s %g", &all, w.backlog)
}

func TestPodsStartAndEnd(t *testing.T) {
	w := worldOf(t, 1, nil)
	for _, row := range []struct {
		at   time.Duration
		to   int32
		want string // before it is scaled
	}{
		{time.Second, 3, "R 10"}, // a second of 20, of which one pod takes 10
		{2 * time.Second, 3, "Rpp 20"},
		{3 * time.Second, 3, "Rrr 30"},
		{5 * time.Second, 3, "Rrr 50"},
		{6 * time.Second, 5, "RRR 40"}, // three take 30, and there is work to catch up on
		{7 * time.Second, 4, "RRRpp 30"},
		{8 * time.Second, 1, "RRRr 20"}, // the newest that is not ready is gone
		{9 * time.Second, 1, "R 30"},    // one takes half of the load
		{10 * time.Second, 0, "R 40"},
		{11 * time.Second, 0, " 60"},
	} {
		w.advance(row.at)
		if got := w.state(); got != row.want {
			t.Errorf("at %s: got %q, want %q", row.at, got, row.want)
		}
		w.scaleTo(row.to)
	}
	if w.underTime != 8*time.Second || w.worstBacklog != 60 {
		t.Errorf("under capacity for %s, with a backlog of %g; want 8s and 60", w.underTime, w.worstBacklog)
	}
}

func TestPodsCrashAndAreSlow(t *testing.T) {
	crashes := worldOf(t, 20, func(s *Settings) { s.Pods.Crashes = metav1.Duration{Duration: time.Minute} })
	unready := 0
	for at := time.Second; at <= 10*time.Minute; at += time.Second {
		crashes.advance(at)
		unready += 20 - crashes.ready()
	}
	// 20 pods crash ten times each, and are not ready for three seconds each time.
	if unready < 300 || unready > 900 {
		t.Errorf("pods were unready for %d seconds, want about 600", unready)
	}
	slow := worldOf(t, 0, func(s *Settings) { s.Pods.Slow = Slow{Share: 0.5, Factor: 3} })
	slow.scaleTo(100)
	slow.advance(5 * time.Second)
	early := slow.ready()
	slow.advance(15 * time.Second)
	if early < 30 || early > 70 || slow.ready() != 100 {
		t.Errorf("%d of 100 pods were ready early, and %d in the end; want about half, and all", early, slow.ready())
	}
}

func TestMetricsAreLate(t *testing.T) {
	w := worldOf(t, 2, func(s *Settings) {
		s.Load = []load.Part{{Shape: "step", Low: 10, High: 20, At: metav1.Duration{Duration: 20 * time.Second}}}
		s.Metrics.Resolution.Duration, s.Metrics.Lag.Duration = 15*time.Second, 10*time.Second
	})
	for _, row := range []struct {
		at    time.Duration
		known string
	}{
		{0, "-10s 0.5"}, {15 * time.Second, "-10s 0.5"}, {25 * time.Second, "15s 0.5"}, {39 * time.Second, "15s 0.5"}, {40 * time.Second, "30s 1"},
	} {
		w.advance(row.at)
		sample, _ := w.measured()
		if got := fmt.Sprintf("%s %g", sample.at, sample.used["pod-000001"]); got != row.known {
			t.Errorf("at %s it is known that %s, want %s", row.at, got, row.known)
		}
	}
	if len(w.samples) > 3 {
		t.Errorf("%d samples are kept", len(w.samples))
	}
}

func TestFigures(t *testing.T) {
	change := func(minute float64, from, to int32) Row { return Row{Seconds: 60 * minute, Current: from, Desired: to} }
	scalings, flaps, largest := scaled([]Row{
		change(0, 1, 1), change(1, 1, 4), change(2, 4, 6), change(5, 6, 5), change(30, 5, 7), change(31, 7, 7),
	})
	if scalings != 4 || flaps != 1 || largest != 3 {
		t.Errorf("got %d scalings, %d flaps, and %d at most; want 4, 1 and 3", scalings, flaps, largest)
	}
}

func TestAssertions(t *testing.T) {
	figures := []Figure{{Name: "under_capacity", Value: 1.5, Percent: true}, {Name: "flaps", Value: 2}}
	for text, want := range map[string]string{
		"under_capacity < 2%": "", "under_capacity <= 1.5": "", "under_capacity > 1": "", "under_capacity >= 1.5%": "", "flaps == 2": "",
		"under_capacity < 1%": "under_capacity < 1%: it is 1.5%", "flaps == 0": "flaps == 0: it is 2",
		"flaps": "it has to be like", "flaps != 2": "it has to be like", "flips < 2": `there is no figure "flips"; there are pod_hours`, "flaps < few": `"few" is no number`,
	} {
		assertion, err := ParseAssertion(text)
		if err == nil {
			err = assertion.Check(figures)
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
