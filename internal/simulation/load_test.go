package simulation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// loads are those of a curve at times.
func loads(c curve, at ...time.Duration) string {
	var all []string
	for _, t := range at {
		all = append(all, fmt.Sprintf("%.4g", c(t)))
	}
	return strings.Join(all, " ")
}

func TestShapes(t *testing.T) {
	for _, row := range []struct{ load, want string }{ // at 0, 10, 20, 30 and 40 minutes
		{"flat:low=7", "7 7 7 7 7"},
		{"step:low=1,high=5,at=20m", "1 1 5 5 5"},
		{"spike:high=9,at=10m,for=15m", "0 9 9 0 0"},
		{"ramp:low=10,high=30,at=10m,for=20m", "10 10 20 30 30"},
		{"wave:low=10,high=30,period=40m", "10 20 30 20 10"},
	} {
		part, err := ParsePart(row.load)
		if err != nil {
			t.Fatal(err)
		}
		curve, err := loadOf([]Part{part}, 1, time.Time{})
		if got := loads(curve, 0, 10*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute); err != nil || got != row.want {
			t.Errorf("%s: got %s, %v; want %s", row.load, got, err, row.want)
		}
	}
}

func TestNoiseIsTheSameForASeed(t *testing.T) {
	noise := func(seed uint64) string {
		curve, err := loadOf([]Part{{Shape: "flat", Low: 100}, {Shape: "noise", High: 20}}, seed, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var times []time.Duration
		for minute := range 100 {
			times = append(times, time.Duration(minute)*time.Minute)
			if load := curve(times[minute]); load < 80 || load > 120 {
				t.Errorf("the load is %v, want 100, 20 more or less", load)
			}
		}
		return loads(curve, times...)
	}
	if first, again := noise(1), noise(1); first != again || first == noise(2) {
		t.Error("a seed has to make the same noise again, and another one another")
	}
	curve, _ := loadOf([]Part{{Shape: "noise", High: 20}}, 1, time.Time{})
	for minute := range 100 {
		if curve(time.Duration(minute)*time.Minute) < 0 {
			t.Error("there cannot be less load than none")
		}
	}
}

func TestATrace(t *testing.T) {
	for _, row := range []struct{ name, file, want string }{ // at 0, 10, 20, 30 and 40 minutes
		{"seconds, with names and a comment", "time, load\n# from the shop\n0, 10\n1200, 30\n", "10 20 30 30 30"},
		{"durations", "10m,10\n30m,20", "10 10 15 20 20"},

		{"one line", "0,5", "5 5 5 5 5"},
		{"the same time twice", "10m,10\n20m,15\n20m,20", "line 3 (20m,20): its time is not after that of line 2: times have to rise"},
		{"nothing", "", "there are no lines with a time and a load"},
		{"names alone", "time,load", "there are no lines with a time and a load"},
		{"one column", "1\n2\n", "line 1 has 1 field: a time and a load are needed"},
		{"no time", "0,1\nnoon,5", "line 2 (noon,5): a time (15, 1h30m, 1767268800 or 2026-01-01T12:00:00Z) and a load are needed, of 1e+12 at most"},
		{"no load", "0,1\n5,much", "line 2 (5,much)"},
		{"not a number", "0,1\n5,NaN", "line 2 (5,NaN)"},
		{"too much", "0,1e300", "line 1 (0,1e300)"},
		{"backwards", "time,load\n# from the shop\n10,1\n5,2", "line 4 (5,2): its time is not after that of line 3: times have to rise"},
		{"before the start", "-5,1", "line 1 (-5,1)"},
		{"dates and seconds", "2026-05-01T12:00:00Z,1\n60,2", "line 2 (60,2): the times of a trace are all since the start, or all dates"},
		{"years", "0,1\n9000h,2", "line 2 (9000h,2): a time has to be from the start to a year after it"},
		{"columns that change", "0,1\n5\n", "line 2 has 1 field"},
	} {
		path := filepath.Join(t.TempDir(), "load.csv")
		if err := os.WriteFile(path, []byte(row.file), 0o600); err != nil {
			t.Fatal(err)
		}
		curve, err := loadOf([]Part{{Trace: path}}, 1, time.Time{})
		got := fmt.Sprint(err)
		if err == nil {
			got = loads(curve, 0, 10*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute)
		}
		if !strings.Contains(got, row.want) {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	if _, err := loadOf([]Part{{Trace: "/nowhere.csv"}}, 1, time.Time{}); err == nil || !strings.Contains(err.Error(), "reading the load: open /nowhere.csv") {
		t.Errorf("got %v", err)
	}
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
			settings.Load = []Part{{Trace: path}}
			if err := settings.Complete(row.given); err != nil {
				t.Fatal(err)
			}
			curve, err := loadOf(settings.Load, 1, settings.Start.Time)
			if err != nil {
				t.Fatal(err)
			}
			got := loads(curve, 0, 10*time.Minute, 20*time.Minute, 30*time.Minute)
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
		settings.Load = append(settings.Load, Part{Trace: path})
	}
	if err := settings.Complete(Given{}); err != nil {
		t.Fatal(err)
	}
	curve, err := loadOf(settings.Load, 1, settings.Start.Time)
	if got := loads(curve, 0, 20*time.Minute, 30*time.Minute); err != nil || got != "11 12 13" || settings.Duration.Duration != 30*time.Minute {
		t.Errorf("got %s for %s, %v", got, settings.Duration.Duration, err)
	}
}

func TestLoadsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                  `"" is no load: give a CSV file, or one of flat, step`,
		"sine":              `"sine" is no load`,
		"wave:low=1,lo=2":   `"lo" is no parameter of a load: there are low, high, at, for and period`,
		"wave:low=much":     `the parameter "low=much" of a load: it has to be a number, such as 100`,
		"wave:period=1 day": `the parameter "period=1 day" of a load: it has to be a duration, such as 10m or 24h`,
	} {
		if _, err := ParsePart(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestATraceWithoutAnEndIsRefused(t *testing.T) {
	if _, err := readTrace("/dev/zero"); err == nil || !strings.Contains(err.Error(), "more than 67108864 bytes") {
		t.Errorf("got %v", err)
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
