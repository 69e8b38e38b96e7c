// Package secret keeps credentials out of what the program shows: its log, errors, answers, events, conditions, traces,
// recordings and what the commands print.
//
// Text, URLs, command lines and objects come in; the same go out without what is known to be a credential (the values that a
// Masker is made of) or looks like one. It reads nothing and decides nothing about where it is used. Masking is the second
// line of defence: the first is not to put a credential into a text at all.
package secret

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Hidden stands in place of a credential.
const Hidden = "***"

const (
	// shortest is the length of the shortest value that is hidden wherever it occurs: every text contains shorter ones.
	shortest = 6

	// longest bounds a known value, and mostKnown the number of them.
	longest, mostKnown = 16 << 10, 1000
)

// Masker hides values that are known to be credentials, and everything that looks like one. The zero value knows none.
type Masker struct {
	values   []string // longest first
	replacer *strings.Replacer
}

// New returns a Masker that knows these values. Values that are too short to be told from ordinary words are ignored.
func New(values ...string) *Masker {
	known := map[string]bool{}
	for _, value := range values {
		for _, spelling := range spellings(strings.TrimSpace(value)) {
			if len(spelling) >= shortest && len(spelling) <= longest && len(known) < mostKnown && strings.Trim(spelling, "*") != "" {
				known[spelling] = true
			}
		}
	}
	m := &Masker{}
	for value := range known {
		m.values = append(m.values, value)
	}
	slices.SortFunc(m.values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, value := range m.values {
		pairs = append(pairs, value, Hidden)
	}
	m.replacer = strings.NewReplacer(pairs...)
	return m
}

// spellings are the ways in which a value occurs in a text: as it is, in a URL, in a JSON or Go string, and in a string
// within a string.
func spellings(value string) []string {
	all := []string{value, url.QueryEscape(value), url.PathEscape(value)}
	if text, err := json.Marshal(value); err == nil {
		all = append(all, inner(string(text)))
	}
	quoted := inner(strconv.Quote(value))
	return append(all, quoted, inner(strconv.Quote(quoted)))
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

// Mask returns the text without known credentials and without what looks like one.
func (m *Masker) Mask(text string) string {
	if m == nil || len(m.values) == 0 {
		return Mask(text)
	}
	return Mask(m.maskCut(m.replacer.Replace(text)))
}

// cuts are the marks of a text that was cut off, and mostCuts is how many of them are looked at.
var cuts = []string{"...", "…"}

const mostCuts = 64

// maskCut hides the beginning of a known value that ends where the text was cut off.
func (m *Masker) maskCut(text string) string {
	for _, mark := range cuts {
		from := 0
		for range mostCuts {
			at := strings.Index(text[from:], mark)
			if at < 0 {
				break
			}
			before := text[:from+at]
			kept := strings.TrimSuffix(before, m.beginning(before))
			if len(kept) < len(before) {
				kept += Hidden
			}
			from, text = len(kept)+len(mark), kept+text[from+at:]
		}
	}
	return text
}

// beginning is the longest beginning of a known value that the text ends with.
func (m *Masker) beginning(text string) string {
	found := ""
	for _, value := range m.values {
		for length := min(len(value), len(text)); length >= shortest && length > len(found); length-- {
			if strings.HasSuffix(text, value[:length]) {
				found = value[:length]
			}
		}
	}
	return found
}

// Error returns the error with its text masked. The error itself can still be found by errors.Is and errors.As.
func (m *Masker) Error(err error) error { return MaskError(err, m.Mask) }

// MaskError returns the error with a text that mask has gone over.
func MaskError(err error, mask func(string) string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if masked := mask(text); masked != text {
		return maskedError{masked, err}
	}
	return err
}

type maskedError struct {
	text string
	err  error
}

func (e maskedError) Error() string { return e.text }

func (e maskedError) Unwrap() error { return e.err }
