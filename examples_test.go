package autoscaler_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

// objects are the file that runs an example in a cluster, where it is not cpa.yaml.
var objects = map[string]string{"k8s-metrics-cpu": "autoscaler.yaml"}

// TestEveryExampleIsWhole: it can be read, tried without a cluster, built, applied and found, and a script tries it.
func TestEveryExampleIsWhole(t *testing.T) {
	folders, err := os.ReadDir("examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		for _, missing := range missingOf(t, ".", folder.Name()) {
			t.Errorf("examples/%s: there is no %s", folder.Name(), missing)
		}
	}
}

func TestWhatAnExampleLacksIsSaid(t *testing.T) {
	root := t.TempDir()
	write := func(file, text string) {
		t.Helper()
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("examples/README.md", "| [whole](whole) | all | of it |\n")
	for _, file := range []string{"config.yaml", "Dockerfile", "cpa.yaml"} {
		write("examples/whole/"+file, "")
	}
	write("examples/whole/README.md", tried)
	write("examples/whole/simulation.yaml", "load: [{shape: flat}]\nassert: [failed_passes == 0, flaps < 2]\n")
	write(scripts+"example_whole.txtar", "cd $EXAMPLES/whole\n")
	if missing := missingOf(t, root, "whole"); len(missing) > 0 {
		t.Errorf("the whole one lacks %q", missing)
	}
	write("examples/poor/README.md", "Nothing to try.\n")
	write("examples/poor/simulation.yaml", "load: [{shape: flat}]\nassert: [failed_passes == 0]\n")
	want := []string{
		"config.yaml", "Dockerfile", "cpa.yaml", scripts + "example_poor.txtar", "line in examples/README.md that begins with | [poor](poor)",
		"command in README.md to try it: " + tried, "assertion in simulation.yaml besides failed_passes",
	}
	if missing := missingOf(t, root, "poor"); !slices.Equal(missing, want) {
		t.Errorf("the poor one lacks\n%q, want\n%q", missing, want)
	}
}

const (
	scripts = "cmd/custom-pod-autoscaler/testdata/"
	tried   = "custom-pod-autoscaler simulate --config config.yaml --simulation simulation.yaml"
)

// missingOf is what an example lacks.
func missingOf(t *testing.T, root, name string) (missing []string) {
	t.Helper()
	folder := filepath.Join(root, "examples", name)
	lacks := func(is bool, what string) {
		if is {
			missing = append(missing, what)
		}
	}
	lacksFile := func(path, what string) {
		_, err := os.Stat(path)
		lacks(err != nil, what)
	}
	object := "cpa.yaml"
	if other := objects[name]; other != "" {
		object = other
	}
	for _, file := range []string{"README.md", "config.yaml", "simulation.yaml", "Dockerfile", object} {
		lacksFile(filepath.Join(folder, file), file)
	}
	script := scripts + "example_" + name + ".txtar"
	lacksFile(filepath.Join(root, script), script)
	line := "| [" + name + "](" + name + ")"
	lacks(!strings.Contains("\n"+textOf(filepath.Join(root, "examples", "README.md")), "\n"+line),
		"line in examples/README.md that begins with "+line)
	lacks(!strings.Contains(textOf(filepath.Join(folder, "README.md")), tried), "command in README.md to try it: "+tried)
	settings, _, _ := simulation.LoadSettings(filepath.Join(folder, "simulation.yaml")) // what cannot be read asserts nothing
	lacks(!slices.ContainsFunc(settings.Assert, func(text string) bool { return !strings.HasPrefix(text, "failed_passes ") }),
		"assertion in simulation.yaml besides failed_passes")
	return missing
}

// textOf is a file's, or nothing.
func textOf(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}
