package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// loads are those of a curve at times.
func loads(c Curve, at ...time.Duration) string {
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
		part, err := Parse(row.load)
		if err != nil {
			t.Fatal(err)
		}
		curve, err := Sum([]Part{part}, 1, time.Time{})
		if got := loads(curve, 0, 10*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute); err != nil || got != row.want {
			t.Errorf("%s: got %s, %v; want %s", row.load, got, err, row.want)
		}
	}
}

func TestNoiseIsTheSameForASeed(t *testing.T) {
	noise := func(seed uint64) string {
		curve, err := Sum([]Part{{Shape: "flat", Low: 100}, {Shape: "noise", High: 20}}, seed, time.Time{})
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
	curve, _ := Sum([]Part{{Shape: "noise", High: 20}}, 1, time.Time{})
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
		curve, err := Sum([]Part{{Trace: path}}, 1, time.Time{})
		got := fmt.Sprint(err)
		if err == nil {
			got = loads(curve, 0, 10*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute)
		}
		if !strings.Contains(got, row.want) {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	if _, err := Sum([]Part{{Trace: "/nowhere.csv"}}, 1, time.Time{}); err == nil || !strings.Contains(err.Error(), "reading the load: open /nowhere.csv") {
		t.Errorf("got %v", err)
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
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestATraceWithoutAnEndIsRefused(t *testing.T) {
	if _, err := readTrace("/dev/zero"); err == nil || !strings.Contains(err.Error(), "more than 67108864 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestThePageNamesEveryShape(t *testing.T) {
	page, err := os.ReadFile("../../../docs/simulation.md")
	if err != nil {
		t.Fatal(err)
	}
	for shape := range shapes {
		if !strings.Contains(string(page), "`"+shape+"`") {
			t.Errorf("docs/simulation.md does not name %s", shape)
		}
	}
}
