package text

import "testing"

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 passes", 1: "1 pass", 2: "2 passes", -1: "-1 passes"} {
		if got := Count(n, "pass", "passes"); got != want {
			t.Errorf("Count(%d) is %q, want %q", n, got, want)
		}
	}
}
