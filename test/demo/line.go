package main

import (
	"strings"
	"unicode/utf8"
)

// ink is how text looks: the parameters of an ANSI colour, or nothing.
type ink string

const (
	plainInk ink = ""
	titleInk ink = "1"
	faintInk ink = "2"
	loadInk  ink = "38;5;67"
	lineInk  ink = "38;5;208"
	bothInk  ink = "1;38;5;222;48;5;67" // the line where the load is behind it
	upInk    ink = "38;5;114"
	downInk  ink = "38;5;176"
	badInk   ink = "38;5;203"
)

// span is text in one ink.
type span struct {
	ink  ink
	text string
}

// line is one line of the screen, drawn left to right.
type line []span

func text(text string) line { return line{{plainInk, text}} }

func (l line) width() int {
	width := 0
	for _, s := range l {
		width += utf8.RuneCountInString(s.text)
	}
	return width
}

// cut is the line without what goes beyond the width, and with a sign that something did.
func (l line) cut(width int) line {
	if l.width() <= width {
		return l
	}
	var cut line
	left := max(0, width-1)
	for _, s := range l {
		runes := []rune(s.text)
		if len(runes) >= left {
			return append(cut, span{s.ink, string(runes[:left]) + "…"})
		}
		cut, left = append(cut, s), left-len(runes)
	}
	return cut
}

// String is the line without colours.
func (l line) String() string {
	var text strings.Builder
	for _, s := range l {
		text.WriteString(s.text)
	}
	return strings.TrimRight(text.String(), " ")
}

// coloured is the line with colours, changed only where the ink does.
func (l line) coloured() string {
	var text strings.Builder
	var current ink
	for _, s := range l {
		if s.ink != current {
			text.WriteString("\x1b[0m")
			if s.ink != plainInk {
				text.WriteString("\x1b[" + string(s.ink) + "m")
			}
			current = s.ink
		}
		text.WriteString(s.text)
	}
	if current != plainInk {
		text.WriteString("\x1b[0m")
	}
	return text.String()
}

// wrap breaks text between words into lines of at most the width, but for words that are longer. What is left after
// the most lines stays on the last.
func wrap(text string, width, most int) []string {
	lines := []string{""}
	for word := range strings.SplitSeq(text, " ") {
		now := &lines[len(lines)-1]
		switch {
		case *now == "":
			*now = word
		case len(lines) < most && utf8.RuneCountInString(*now)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, word)
		default:
			*now += " " + word
		}
	}
	return lines
}
