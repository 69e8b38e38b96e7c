package simulation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
)

// loads are those of a world with the settings, at times.
func loads(t *testing.T, settings Settings, at ...time.Duration) string {
	t.Helper()
	w, err := NewWorld(settings)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, since := range at {
		all = append(all, fmt.Sprintf("%.4g", w.load(since)))
	}
	return strings.Join(all, " ")
}

// TestATraceWithDates sets the start and the length of a simulation, where nobody else does.
func TestATraceWithDates(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name, file string
		given      Given
		start      time.Time
		duration   time.Duration
		want       string // at 0, 10, 20 and 30 minutes
	}{
		{"dates", "2026-05-01T12:00:00Z,10\n2026-05-01T12:20:00Z,30", Given{}, noon, 20 * time.Minute, "10 20 30 30"},
		{"dates of another zone", "2026-05-01T14:00:00+02:00,10\n2026-05-01T14:20:00+02:00,30", Given{}, noon, 20 * time.Minute, "10 20 30 30"},
		{"dates as in tables", "time,load\n2026-05-01 12:00:00,10\n2026-05-01 12:20:00,30", Given{}, noon, 20 * time.Minute, "10 20 30 30"},
		{"days", "2026-05-01,10\n2026-05-03,30", Given{}, noon.Add(-12 * time.Hour), 48 * time.Hour, "10 10.07 10.14 10.21"},
		{"seconds since 1970", "1777636800,10\n1777638000.5,30", Given{}, noon, 20*time.Minute + 500*time.Millisecond, "10 20 29.99 30"},
		{"milliseconds since 1970", "1777636800000,10\n1777638000000,30", Given{}, noon, 20 * time.Minute, "10 20 30 30"},
		{"seconds since the start", "0,10\n1200,30", Given{}, Default().Start.Time, 20 * time.Minute, "10 20 30 30"},
		{"a length that is given", "2026-05-01T12:00:00Z,10\n2026-05-01T12:20:00Z,30", Given{Duration: true}, noon, time.Hour, "10 20 30 30"},
		{"a start that is given", "2026-01-01T00:10:00Z,10\n2026-01-01T00:30:00Z,30", Given{Start: true}, Default().Start.Time, 30 * time.Minute, "10 10 20 30"},
		{"one line", "2026-05-01T12:00:00Z,5", Given{}, noon, time.Hour, "5 5 5 5"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "load.csv")
			if err := os.WriteFile(path, []byte(row.file), 0o600); err != nil {
				t.Fatal(err)
			}
			settings := Default()
			settings.Load = []load.Part{{Trace: path}}
			if err := settings.Complete(row.given); err != nil {
				t.Fatal(err)
			}
			got := loads(t, settings, 0, 10*time.Minute, 20*time.Minute, 30*time.Minute)
			if !settings.Start.Time.Equal(row.start) || settings.Duration.Duration != row.duration || got != row.want {
				t.Errorf("got %s for %s: %s", settings.Start, settings.Duration.Duration, got)
			}
		})
	}
}

// TestTracesSideBySide has the second begin ten minutes after the first.
func TestTracesSideBySide(t *testing.T) {
	settings := Default()
	for i, text := range []string{"2026-05-01T12:00:00Z,10\n2026-05-01T12:20:00Z,10", "2026-05-01T12:10:00Z,1\n2026-05-01T12:30:00Z,3"} {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".csv"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		settings.Load = append(settings.Load, load.Part{Trace: path})
	}
	if err := settings.Complete(Given{}); err != nil {
		t.Fatal(err)
	}
	if got := loads(t, settings, 0, 20*time.Minute, 30*time.Minute); got != "11 12 13" || settings.Duration.Duration != 30*time.Minute {
		t.Errorf("got %s for %s", got, settings.Duration.Duration)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	for _, row := range []struct{ settings, want string }{
		{"load: [{shape: flat, low: 1}]", ""},
		{"", "load is empty: at least one part is needed"},
		{"load: [{shape: wave}]", "load[0]: period has to be more than 0 for a wave"},
		{"load: [{shape: ramp}]", "load[0]: for has to be more than 0 for a ramp"},
		{"load: [{}]", `load[0]: shape is ""`},
		{"load: [{shape: flat, trace: a.csv}]", `load[0]: shape is "flat" and trace is`},
		{"duration: 0s", "duration is 0s: it has to be more than 0, and a year at most"},
		{"start: 1066-10-14T09:00:00Z", "start is 1066-10-14T09:00:00Z: it has to be from 1970 to 2200"},
		{"start: monday", `start: "monday" is not allowed: must be a time, e.g. 2026-01-01T12:00:00Z (`},
		{"duration: 100000h", "duration is 100000h0m0s"},
		{"replicas: -1", "replicas is -1: it has to be from 0 to 10000"},
		{"replicas: 2000000000", "replicas is 2000000000"},
		{"load: [{shape: flat, low: 1e300}]", "load[0]: low is 1e+300 and high is 0: a load can be 1e+12 at most"},
		{"metrics: {lag: 100h}", "metrics.lag is 100h0m0s: it can be 1h0m0s at most"},
		{"pods: {crashes: 100000h}", "pods.crashes is 100000h0m0s: it has to be from 0 to a year"},
		{"pods: {capacity: 0}", "pods.capacity is 0: it has to be more than 0"},
		{"pods: {slow: {share: 2}}", "pods.slow.share is 2: it has to be from 0 to 1"},
		{"pods: {slow: {factor: 0.5}}", "pods.slow.factor is 0.5"},
		{"pods: {ready: -1s}", "pods.ready is -1s: it has to be from 0 to a year"},
		{"metrics: {resolution: 1ms}", "metrics.resolution is 1ms: it has to be 1s at least"},
		{"metrics: {values: {jobs: everything}}", "metrics.values.jobs is everything: it has to be one of backlog, load, served, utilization"},
		{"pots: {}", "pots: this key is not allowed: the simulation has none of this name; did you mean pods? ("},
		{"duration: 3600", "duration: 3600 is not allowed: must be a duration, e.g. 90s or 1h30m ("},
		{"replicas: many", `replicas: "many" is not allowed: must be a whole number of up to 32 bits (`},
		{"seed: -1", "seed: -1 is not allowed: must be a whole number, 0 or more ("},
		{"pods:\n  capacity: much", `pods.capacity: "much" is not allowed: must be a number (`},
		{"load:\n- shape: flat\n  lo: 1", "load[0].lo: this key is not allowed: the simulation has none of this name; did you mean low? ("},
		{"duration: {", "parsing it as YAML or JSON"},
		{"pods: {cpu: {request: much}}", `pods.cpu.request: "much" is not allowed: must be a quantity, e.g. 250m or 64Mi (`},
	} {
		path := filepath.Join(t.TempDir(), "simulation.yaml")
		if err := os.WriteFile(path, []byte(row.settings), 0o600); err != nil {
			t.Fatal(err)
		}
		settings, _, err := LoadSettings(path)
		if err == nil {
			err = settings.Validate()
		}
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %s", row.settings, err, row.want)
		}
	}
}
