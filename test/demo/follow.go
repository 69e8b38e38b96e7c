package main

import (
	"strconv"
	"strings"
	"time"
)

// pass is one pass of the program, as its log tells it.
type pass struct {
	at                             time.Time
	current, recommended, replicas int
	reasons                        []string // first to last
	because                        []string // one sentence for each reason
	userReason                     string   // of evaluate.py
	failure                        string   // why nothing was decided; "" if it was
}

func (p pass) scales() bool { return p.failure == "" && p.current != p.replicas }

// tellsNothingNew tells whether all that there is to say about a pass was said about the one before.
func (p pass) tellsNothingNew(before pass) bool {
	return !p.scales() && p.failure == before.failure &&
		p.replicas == before.replicas && last(p.reasons) == last(before.reasons)
}

func last(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// parsePass reads a line of the program's log. Most lines are not about a pass.
func parsePass(line string) (pass, bool) {
	said := fields(line)
	at, err := time.Parse(time.RFC3339Nano, said["time"])
	if err != nil {
		return pass{}, false
	}
	p := pass{at: at.UTC()}
	switch said["msg"] {
	case "scaled", "kept replicas":
		p.current, p.recommended, p.replicas = number(said["current"]), number(said["recommended"]), number(said["replicas"])
		p.reasons, p.because = strings.Split(said["reasons"], ","), strings.Split(said["because"], "; ")
		p.userReason = said["userReason"]
		return p, true
	case "pass failed, nothing was scaled":
		p.failure = said["err"]
		return p, true
	}
	return pass{}, false
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // what is not a number is shown as 0
	return n
}

// fields reads key=value key="quoted value". It ends at what is neither.
func fields(line string) map[string]string {
	found := map[string]string{}
	for line != "" {
		key, rest, ok := strings.Cut(line, "=")
		if !ok {
			break
		}
		value, after, _ := strings.Cut(rest, " ")
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			value, _ = strconv.Unquote(quoted)
			after = strings.TrimPrefix(rest[len(quoted):], " ")
		}
		found[key], line = value, after
	}
	return found
}
