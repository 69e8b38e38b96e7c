package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/worker"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
)

// loaded is what a test sees of a Load: the file's folder is left out of every text.
type loaded struct {
	Loaded
	problems []string
	note     string
	text     string
	err      error
}

// load puts text in a file called config.yaml and loads it.
func load(t *testing.T, text string, environ ...string) loaded {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadFile(t, file, "", environ...)
}

func loadFile(t *testing.T, file, flag string, environ ...string) loaded {
	t.Helper()
	short := func(text string) string { return strings.ReplaceAll(text, filepath.Dir(file)+"/", "") }
	got, err := Load(flag, append(environ, "configPath="+file))
	l := loaded{Loaded: got, err: err}
	if err != nil {
		problems, ok := err.(decode.Problems)
		if !ok {
			t.Fatalf("the error is a %T, want Problems", err)
		}
		l.note, l.text = short(problems.Note), short(err.Error())
		for _, p := range problems.List {
			l.problems = append(l.problems, short(p.String()))
		}
	}
	for i := range l.Warnings {
		l.Warnings[i] = short(l.Warnings[i])
	}
	return l
}

// complete adds to a piece of configuration the required keys that it does not have, below it.
func complete(t *testing.T, piece string) string {
	t.Helper()
	var has map[string]any
	if err := yaml.Unmarshal([]byte(piece), &has); err != nil {
		t.Fatalf("parsing the piece %q: %v", piece, err)
	}
	folded := sets.New[string]()
	for name := range has {
		folded.Insert(strings.ToLower(name))
	}
	for _, required := range []string{
		`scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}`,
		`metric: {type: shell, shell: {command: ["-c", "echo 5"]}}`,
		`evaluate: {type: shell, shell: {command: ["-c", "echo '{\"targetReplicas\": 5}'"]}}`,
	} {
		if name, _, _ := strings.Cut(required, ":"); !folded.Has(strings.ToLower(name)) {
			piece = strings.TrimSuffix(piece, "\n") + "\n" + required + "\n"
		}
	}
	return piece
}

func wantLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestMetricRunsAsManyTimesAtOnceAsItsWorkerTakes(t *testing.T) {
	for _, row := range []struct{ set, worker, want int }{{0, 8, 8}, {4, 8, 4}, {16, 8, 8}} {
		c := Config{MetricConcurrency: row.set, Metric: &Method{Type: "worker", Worker: &worker.Settings{Concurrency: row.worker}}}
		if got := c.Concurrency(); got != row.want {
			t.Errorf("metricConcurrency %d with a worker that takes %d: got %d, want %d", row.set, row.worker, got, row.want)
		}
	}
}
