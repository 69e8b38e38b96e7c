package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// page is where the last run is told of.
const page = "docs/performance.md"

// TestThePageHasEveryCase says when the table is of other cases than there are now. What their numbers are is up to the
// machine, and is not tested.
func TestThePageHasEveryCase(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	known, _ := cases(schema, sizes)
	if err := stale(string(text), known); err != nil {
		t.Error(err)
	}
}

// stale says which cases a page does not have, and which rows are of no case.
func stale(page string, known []benchCase) error {
	_, rest, _ := strings.Cut(page, beginMarker)
	table, _, _ := strings.Cut(rest, endMarker)
	begin := map[string]bool{}
	for _, c := range known {
		begin[c.begins()] = true
		if !strings.Contains(table, "\n"+c.begins()) {
			return fmt.Errorf("the page does not have %s (make bench update-performance)", c)
		}
	}
	rows := 0
	for line := range strings.Lines(table) {
		if strings.Contains(line, "| "+perPod+" |") || strings.Contains(line, "| "+perResource+" |") {
			rows++
		}
	}
	if rows != len(begin) {
		return fmt.Errorf("the page has %d rows for %d cases (make bench update-performance)", rows, len(begin))
	}
	return nil
}

// TestAPageGoesStale shows that the test above can fail.
func TestAPageGoesStale(t *testing.T) {
	one := benchCase{row{mode: perPod, logic: shellCat}, 10}
	two := benchCase{row{mode: perPod, logic: shellCat, cpu: true, extra: ownMetrics}, 10}
	var r report
	r.put(resultOf(one, counted{}))
	written := beginMarker + r.table() + endMarker
	for _, row := range []struct {
		name  string
		cases []benchCase
		stale bool
	}{
		{"it has the cases that there are", []benchCase{one}, false},
		{"it lacks a case", []benchCase{one, two}, true},
		{"it has a case that is gone", nil, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := stale(written, row.cases); (err != nil) != row.stale {
				t.Errorf("got %v", err)
			}
		})
	}
}
