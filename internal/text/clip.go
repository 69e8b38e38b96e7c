// Package text has what several packages do with words for people.
package text

import "strings"

// Clip cuts text at a character's boundary, and makes a copy, so that what it is cut from is not kept.
func Clip(text string, most int) string { return ClipWith(text, most, "…") }

// ClipWith is Clip with another mark at the end of what was cut.
func ClipWith(text string, most int, mark string) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(strings.Clone(text[:most]), "") + mark
}

// ClipRunes is Clip with a limit in characters, not in bytes.
func ClipRunes(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
