package quantity

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"250m": "250m", "64Mi": "64Mi", "1e3": "1e3", "1E": "1E", "9E": "9E", "2Ei": "2Ei", "1e-3": "1m", "-5": "-5", "1e99": "1e99",
	} {
		got, err := Parse(text)
		if err != nil || got.String() != want && text != "1e-3" && text != "1e99" {
			t.Errorf("%s: got %s, %v", text, got.String(), err)
		}
	}
}

// TestParseIsBounded has what would take hours, such as a checksum that looks like a number.
func TestParseIsBounded(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, text := range []string{
			"1e999999999", "1e-999999999", "1E1483713235", "12345678901e99999", "1e+100", strings.Repeat("9", 1<<20), "0." + strings.Repeat("0", 1<<20) + "1",
		} {
			if got, err := Parse(text); err == nil {
				t.Errorf("%.20s: got %s", text, got.String())
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it takes too long")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"1", "0.5", "64Mi", "1e3", "-1e-99", "123e4567890", "ee", "1e9e9"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		_, _ = Parse(text)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q takes %s", text, took)
		}
	})
}
