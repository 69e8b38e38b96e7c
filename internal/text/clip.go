// Package text has what several rooms do with words for people.
package text

import "strings"

// Clip cuts text at a character's boundary, and makes a copy, so that what it is cut from is not kept.
func Clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(strings.Clone(text[:most]), "") + "…"
}
