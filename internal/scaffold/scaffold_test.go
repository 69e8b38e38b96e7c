package scaffold

import (
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

func usual(language string) Values {
	return Values{Language: language, APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "default"}
}

// written is a folder with an autoscaler.
func written(t *testing.T, values Values) string {
	t.Helper()
	if err := values.Validate(); err != nil {
		t.Fatal(err)
	}
	files, err := values.Files()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "autoscaler")
	if err := Write(folder, files); err != nil {
		t.Fatal(err)
	}
	return folder
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheFilesOfEachLanguage: what may be executed has a star.
func TestTheFilesOfEachLanguage(t *testing.T) {
	want := map[string]string{
		"python": "Dockerfile README.md config.schema.json config.yaml cpa.yaml evaluate.py metric.py simulation.yaml",
		"go":     "Dockerfile README.md config.schema.json config.yaml cpa.yaml go.mod main.go main_test.go simulation.yaml",
		"node":   "Dockerfile README.md config.schema.json config.yaml cpa.yaml evaluate.mjs metric.mjs simulation.yaml",
		"shell":  "Dockerfile README.md config.schema.json config.yaml cpa.yaml evaluate.sh* metric.sh* simulation.yaml",
		"http":   "Dockerfile README.md config.schema.json config.yaml cpa.yaml server.py simulation.yaml",
	}
	folders, err := templates.ReadDir("templates")
	if err != nil || len(folders) != len(Languages)+1 || len(want) != len(Languages) {
		t.Errorf("there are %d folders of templates, %d languages and %d rows, %v", len(folders), len(Languages), len(want), err)
	}
	for _, language := range Names() {
		folder := written(t, usual(language))
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			name := entry.Name()
			if info.Mode()&0o111 != 0 {
				name += "*"
			}
			names = append(names, name)
			if entry.Name() != "README.md" && !strings.Contains(read(t, folder, "README.md"), "`"+entry.Name()+"`") {
				t.Errorf("%s: the README does not say what %s is", language, entry.Name())
			}
			if strings.HasSuffix(name, ".go") {
				source := read(t, folder, name)
				if formatted, err := format.Source([]byte(source)); err != nil || string(formatted) != source {
					t.Errorf("%s is not formatted, %v", name, err)
				}
			}
		}
		if got := strings.Join(names, " "); got != want[language] {
			t.Errorf("%s:\ngot  %s\nwant %s", language, got, want[language])
		}
	}
}

// TestWhatIsFilledInIsReadAsItIs, also what YAML would take for something else.
func TestWhatIsFilledInIsReadAsItIs(t *testing.T) {
	for _, language := range Names() {
		for _, row := range []Values{
			usual(language),
			{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "123", Namespace: "456"},
			{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Name: "null", Namespace: "true"},
			{APIVersion: "v1", Kind: "Null", Name: "1e5", Namespace: "0x1f"},
			{APIVersion: "v1", Kind: "Yes", Name: "1.5", Namespace: "2026-01-01"},
			{APIVersion: "example.com/v1", Kind: "N", Name: "web.v2", Namespace: "no"},
			{APIVersion: "example.com/v1", Kind: "Worker", Name: strings.Repeat("a", 52), Namespace: strings.Repeat("b", 63)},
		} {
			row.Language = language
			folder := written(t, row)
			loaded, err := config.LoadStrictly(filepath.Join(folder, "config.yaml"), nil)
			if err != nil || len(loaded.Warnings) > 0 {
				t.Fatalf("%+v: %v %v", row, err, loaded.Warnings)
			}
			var object cpav1.CustomPodAutoscaler
			if err := yaml.UnmarshalStrict([]byte(read(t, folder, "cpa.yaml")), &object); err != nil {
				t.Fatalf("%+v: %v", row, err)
			}
			ref, target := loaded.Config.ScaleTargetRef, object.Spec.ScaleTargetRef
			for what, values := range map[string][2]Values{
				"config.yaml": {row, {language, ref.APIVersion, ref.Kind, ref.Name, loaded.Config.Namespace}},
				"cpa.yaml":    {row, {language, target.APIVersion, target.Kind, target.Name, object.Namespace}},
			} {
				if values[0] != values[1] {
					t.Errorf("%s: got %+v, want %+v", what, values[1], values[0])
				}
			}
			if object.Name != row.Name+"-autoscaler" {
				t.Errorf("the object's name is %q", object.Name)
			}
		}
	}
}

func TestTheSimulationAsserts(t *testing.T) {
	for _, language := range Names() {
		settings, _, err := simulation.LoadSettings(filepath.Join(written(t, usual(language)), "simulation.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if err := settings.Validate(); err != nil {
			t.Error(err)
		}
		for _, want := range []string{"failed_passes == 0", "under_capacity < 5%"} {
			if !slices.Contains(settings.Assert, want) {
				t.Errorf("%s: %s is not asserted", language, want)
			}
		}
	}
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Values)
		says   string
	}{
		{"a language that is not there", func(v *Values) { v.Language = "cobol" }, `--language: "cobol" is not allowed: must be one of python, go, node, shell, http`},
		{"what they share is no language", func(v *Values) { v.Language = "common" }, `--language: "common"`},
		{"a path for a language", func(v *Values) { v.Language = "../go" }, `--language: "../go"`},
		{"no name", func(v *Values) { v.Name = "" }, `--name: "" is not allowed`},
		{"a name with capitals", func(v *Values) { v.Name = "Web" }, `--name: "Web" is not allowed: must be the name of a workload: lower-case letters, digits, dashes and dots`},
		{"a name with a line", func(v *Values) { v.Name = "web\nevil: true" }, `--name: "web\nevil: true"`},
		{"a name with a quote", func(v *Values) { v.Name = `web"` }, `--name: "web\""`},
		{"a name that ends with a dash", func(v *Values) { v.Name = "web-" }, `--name: "web-"`},
		{"a name that leaves no room for its autoscaler's", func(v *Values) { v.Name = strings.Repeat("a", 53) }, "at most 52"},
		{"a kind in lower case", func(v *Values) { v.Kind = "deployment" }, `--kind: "deployment" is not allowed: must be a kind as the cluster spells it`},
		{"a kind with a colon", func(v *Values) { v.Kind = "Web: x" }, `--kind: "Web: x"`},
		{"a kind that cannot be scaled", func(v *Values) { v.Kind = "DaemonSet" }, `--kind: "DaemonSet" is not allowed: apps/v1 has no such kind that can be scaled`},
		{"a kind of elsewhere", func(v *Values) { v.Kind = "Rollout" }, "say where it is with --api-version, e.g. argoproj.io/v1alpha1"},
		{"no version", func(v *Values) { v.APIVersion = "" }, `--api-version: "" is not allowed: must be a version or group/version`},
		{"a version with too much", func(v *Values) { v.APIVersion = "a/b/c" }, `--api-version: "a/b/c"`},
		{"a version with a space", func(v *Values) { v.APIVersion = "apps/v 1" }, `--api-version: "apps/v 1"`},
		{"a namespace with a dot", func(v *Values) { v.Namespace = "shop.eu" }, `--namespace: "shop.eu" is not allowed: must be a namespace's name`},
		{"all that is wrong at once", func(v *Values) { v.Name, v.Namespace = "_", "_" }, "at most 52\n--namespace"},
	} {
		t.Run(row.name, func(t *testing.T) {
			values := usual("python")
			row.change(&values)
			if err := values.Validate(); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got  %v\nwant %s", err, row.says)
			}
		})
	}
}
