package operator

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The reasons that conditions have are those of docs/custompodautoscaler.md, and the other way round.
func TestThePageNamesEveryReason(t *testing.T) {
	page, err := os.ReadFile("../../docs/custompodautoscaler.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "The operator's conditions, and their reasons:")
	table, _, _ = strings.Cut(table, "The autoscaler's own")
	var files []string
	for _, folder := range []string{"plan", "reconcile"} {
		found, err := filepath.Glob(folder + "/*.go")
		if err != nil || len(found) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		files = append(files, found...)
	}
	code := ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") {
			code += string(text)
		}
	}
	given := regexp.MustCompile(`(?:\b(?:no|yes)\(|\bTrouble\(|Reason: )"(\w+)"`).FindAllStringSubmatch(code, -1)
	if len(given) < 10 {
		t.Fatalf("only %d reasons were found: has the way they are given changed?", len(given))
	}
	for _, match := range given {
		if !strings.Contains(table, "`"+match[1]+"`") {
			t.Errorf("the page does not have the reason %s", match[1])
		}
	}
	for _, match := range regexp.MustCompile("(?m)^\\|.*\\|.*\\| (`.*`) \\|").FindAllStringSubmatch(table, -1) {
		for reason := range strings.SplitSeq(match[1], ", ") {
			reason = strings.Trim(reason, "`")
			if !strings.Contains(code, `"`+reason+`"`) {
				t.Errorf("the page has the reason %s, which is not given", reason)
			}
		}
	}
}
