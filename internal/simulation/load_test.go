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
		curve, err := loadOf([]Part{part}, 1)
		if got := loads(curve, 0, 10*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute); err != nil || got != row.want {
			t.Errorf("%s: got %s, %v; want %s", row.load, got, err, row.want)
		}
	}
}

func TestNoiseIsTheSameForASeed(t *testing.T) {
	noise := func(seed uint64) string {
		curve, err := loadOf([]Part{{Shape: "flat", Low: 100}, {Shape: "noise", High: 20}}, seed)
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
	curve, _ := loadOf([]Part{{Shape: "noise", High: 20}}, 1)
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
		{"dates", "2026-05-01T12:00:00Z,10\n2026-05-01T12:20:00Z,30", "10 20 30 30 30"},
		{"one line", "0,5", "5 5 5 5 5"},
		{"a jump", "10m,10\n10m,20", "10 20 20 20 20"},
		{"nothing", "", "there are no records"},
		{"names alone", "time,load", "there are no records"},
		{"one column", "1\n2\n", "record 1 has 1 fields: a time and a load are needed"},
		{"no time", "0,1\nnoon,5", "record 2 (noon,5): a time (15, 1h30m or 2026-01-01T12:00:00Z) and a load are needed, of 1e+12 at most"},
		{"no load", "0,1\n5,much", "record 2 (5,much)"},
		{"not a number", "0,1\n5,NaN", "record 2 (5,NaN)"},
		{"too much", "0,1e300", "record 1 (0,1e300)"},
		{"backwards", "10,1\n5,2", "its times have to rise"},
		{"columns that change", "0,1\n5\n", "wrong number of fields"},
	} {
		path := filepath.Join(t.TempDir(), "load.csv")
		if err := os.WriteFile(path, []byte(row.file), 0o600); err != nil {
			t.Fatal(err)
		}
		curve, err := loadOf([]Part{{Trace: path}}, 1)
		got := fmt.Sprint(err)
		if err == nil {
			got = loads(curve, 0, 10*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute)
		}
		if !strings.Contains(got, row.want) {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	if _, err := loadOf([]Part{{Trace: "/nowhere.csv"}}, 1); err == nil || !strings.Contains(err.Error(), "reading the load: open /nowhere.csv") {
		t.Errorf("got %v", err)
	}
}

func TestLoadsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                  `"" is no load: give a CSV file, or one of flat, step`,
		"sine":              `"sine" is no load`,
		"wave:low=1,lo=2":   `"lo" is no parameter of a load: there are low, high, at, for and period`,
		"wave:low=much":     `reading the parameter "low=much" of a load`,
		"wave:period=1 day": `reading the parameter "period=1 day" of a load`,
	} {
		if _, err := ParsePart(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
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
		{"start: monday", "reading the simulation"},
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
		{"pots: {}", `unknown field "pots"`},
		{"duration: {", "reading the simulation"},
		{"pods: {cpu: {request: much}}", "quantities must match"},
	} {
		path := filepath.Join(t.TempDir(), "simulation.yaml")
		if err := os.WriteFile(path, []byte(row.settings), 0o600); err != nil {
			t.Fatal(err)
		}
		settings, err := LoadSettings(path)
		if err == nil {
			err = settings.Validate()
		}
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %s", row.settings, err, row.want)
		}
	}
}
