package terminal

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	table := NewTable(&out, 2)
	table.Row("key", "value", "last")
	table.Row("a longer key", "1", "2")
	table.Row()
	table.Row("", "other", "widths")
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "key           value  last\na longer key  1      2\n\n  other  widths\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestBars(t *testing.T) {
	many := make([]float64, 10*wide)
	many[10] = 1 // the highest of its part
	for _, row := range []struct {
		name   string
		values []float64
		want   string
	}{
		{"none", nil, "load           up to 0\n"},
		{"all are 0", []float64{0, 0}, "load         ▁▁  up to 0\n"},
		{"from 0 to the most", []float64{0, 50, 123456}, "load         ▁▁█  up to 1.235e+05\n"},
		{"more than there is room for", many, "load         ▁█" + strings.Repeat("▁", wide-2) + "  up to 1\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			if Bars(&out, "load", row.values); out.String() != row.want {
				t.Errorf("got %q, want %q", out.String(), row.want)
			}
		})
	}
}

func TestPaint(t *testing.T) {
	if got := Paint(true).In(Red, "error"); got != "\x1b[31merror\x1b[0m" {
		t.Errorf("got %q", got)
	}
	if got := Paint(false).In(Red, "error"); got != "error" {
		t.Errorf("got %q", got)
	}
}

func TestRound(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		12345678 * time.Microsecond: 12300 * time.Millisecond,
		1234567 * time.Microsecond:  1230 * time.Millisecond,
		123456 * time.Microsecond:   123 * time.Millisecond,
	} {
		if got := Round(took); got != want {
			t.Errorf("Round(%s) is %s, want %s", took, got, want)
		}
	}
}
