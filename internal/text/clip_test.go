package text

import "testing"

func TestClip(t *testing.T) {
	for _, row := range []struct {
		name, text                string
		most                      int
		clipped, withDots, byRune string
	}{
		{"short enough", "abc", 3, "abc", "abc", "abc"},
		{"too long", "abcd", 3, "abc…", "abc...", "abc…"},
		{"in the middle of a character", "aéé", 2, "a…", "a...", "aé…"},
		{"longer in bytes than in characters", "éé", 3, "é…", "é...", "éé"},
		{"nothing is left", "é", 0, "…", "...", "…"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Clip(row.text, row.most); got != row.clipped {
				t.Errorf("Clip: got %q, want %q", got, row.clipped)
			}
			if got := ClipWith(row.text, row.most, "..."); got != row.withDots {
				t.Errorf("ClipWith: got %q, want %q", got, row.withDots)
			}
			if got := ClipRunes(row.text, row.most); got != row.byRune {
				t.Errorf("ClipRunes: got %q, want %q", got, row.byRune)
			}
		})
	}
}
