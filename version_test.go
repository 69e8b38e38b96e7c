package autoscaler_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

var update = flag.Bool("update", false, "write the version of this source wherever it is said")

// said are the places that say a version of ours, whether or not with a v before it.
var said = regexp.MustCompile(`(custompodautoscaler/[a-z0-9-]+:|autoscaler/v3@|make images VERSION=|(?m:^(?:version|appVersion): ))v?(\d+\.\d+\.\d+[-.\w]*)`)

// withVersion is a text with this source's version wherever it says one.
func withVersion(text string) string {
	return said.ReplaceAllStringFunc(text, func(place string) string {
		of := said.FindStringSubmatch(place)[1]
		if strings.HasSuffix(of, "@") { // a Go module
			return of + version.Release
		}
		return of + version.Image()
	})
}

// TestOnePlaceSaysTheVersion: the others follow. The manifest is generated of the chart.
func TestOnePlaceSaysTheVersion(t *testing.T) {
	places := 0
	for _, path := range written(t) {
		text := read(t, path)
		want := withVersion(text)
		places += len(said.FindAllString(text, -1))
		if text == want {
			continue
		}
		if !*update {
			t.Errorf("%s says another version than internal/version, %s: run `make update-version`", path, version.Release)
		} else if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if places < 20 {
		t.Errorf("there are %d places: are they all looked for?", places)
	}
	if module := read(t, "go.mod"); !strings.HasPrefix(module, "module github.com/custom-pod-autoscaler/autoscaler/"+version.Release[:2]+"\n") {
		t.Errorf("the path of the module does not end with the major version of %s: go get would refuse it", version.Release)
	}
}

// written are the files that may say a version, but for those that tell of others, too.
func written(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == "bin"):
			return fs.SkipDir
		case path == "CHANGELOG.md", path == "docs/migration.md", entry.IsDir():
		case name == "Dockerfile", name == "Chart.yaml", filepath.Ext(name) == ".md", name == "cpa.yaml":
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestAnotherVersionIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"FROM custompodautoscaler/python-3-12:1.2.3 AS x": "FROM custompodautoscaler/python-3-12:" + version.Image() + " AS x",
		"go get example.com/autoscaler/v3@v3.0.0 && x":    "go get example.com/autoscaler/v3@" + version.Release + " && x",
		"version: 3.0.0\nappVersion: 3.0.0-rc.9\n":        "version: " + version.Image() + "\nappVersion: " + version.Image() + "\n",
		"`make images VERSION=3.0.0 X=y`":                 "`make images VERSION=" + version.Image() + " X=y`",
		"  version: 3.0.0 of something else":              "  version: 3.0.0 of something else",
		"custompodautoscaler/operator:TAG":                "custompodautoscaler/operator:TAG",
	} {
		if got := withVersion(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
