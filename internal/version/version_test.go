package version

import (
	"slices"
	"strings"
	"testing"
)

func TestWithoutOldFlags(t *testing.T) {
	for _, row := range []struct {
		arguments, want string
		warnings        int
	}{
		{"", "", 0},
		{"--config config.yaml", "--config config.yaml", 0},
		{"-v=3 -logtostderr --config config.yaml", "--config config.yaml", 2},
		{"--v=3 --logtostderr=true check", "check", 2},
		{"-v 3 --alsologtostderr check", "check", 2},
		{"-stderrthreshold INFO --zap-log-level=debug --zap-devel", "", 3},
		{"-v", "-v", 0},
		{"--version", "--version", 0},
		{"replay v passes.jsonl", "replay v passes.jsonl", 0},
		{"replay -- -v=3", "replay -- -v=3", 0},
	} {
		var warnings strings.Builder
		got := WithoutOldFlags(strings.Fields(row.arguments), &warnings, "see logVerbosity")
		if !slices.Equal(got, strings.Fields(row.want)) || strings.Count(warnings.String(), "is ignored: see logVerbosity\n") != row.warnings {
			t.Errorf("%s: got %q, %q", row.arguments, got, &warnings)
		}
	}
}
