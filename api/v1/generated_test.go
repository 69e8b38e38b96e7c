package v1

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	definition = "custompodautoscaler.com_custompodautoscalers.yaml"
	deepCopies = "zz_generated.deepcopy.go"
)

var update = flag.Bool("update", false, "write what is generated")

// generate writes the definition and the deep copies of the package in a folder into a folder of its own.
func generate(t *testing.T, of string) (dir string) {
	t.Helper()
	tools, err := filepath.Abs("../../tools/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	command := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+tools, "controller-gen", "object", "crd", "paths=.", "output:dir="+dir)
	command.Dir = of
	if words, err := command.CombinedOutput(); err != nil {
		t.Fatalf("controller-gen: %v\n%s", err, words)
	}
	return dir
}

// stale gives the files that are not as they would be generated.
func stale(t *testing.T, generated, here string) (files []string) {
	t.Helper()
	for _, name := range []string{definition, deepCopies} {
		want, err := os.ReadFile(filepath.Join(generated, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(here, name)); err != nil || string(got) != string(want) {
			files = append(files, name)
		}
		if *update {
			if err := os.WriteFile(filepath.Join(here, name), want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return files
}

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	if files := stale(t, generate(t, "."), "."); len(files) > 0 && !*update {
		t.Errorf("%v are stale: run `make update-docs`", files)
	}
}

// A check that cannot fail is none: a field more, in a copy of the package, has to show in both files.
func TestAStaleFileIsNoticed(t *testing.T) {
	copied := t.TempDir() // a module of its own: other tests read all files of ours
	for name, from := range map[string]string{
		"go.mod": "../../go.mod", "go.sum": "../../go.sum", "doc.go": "doc.go", "types.go": "types.go", "status.go": "status.go",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), "type Status struct {", "type Status struct {\n\tMore []string `json:\"more\"`\n", 1)
		if err := os.WriteFile(filepath.Join(copied, name), []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if files := stale(t, generate(t, copied), "."); len(files) != 2 {
		t.Errorf("only %v are noticed to be stale", files)
	}
}

// kubectl apply keeps the whole object in an annotation, which may have 256 KiB.
func TestTheDefinitionIsSmallEnoughForApply(t *testing.T) {
	info, err := os.Stat(definition)
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(32 << 10); info.Size() > most {
		t.Errorf("the definition has %d bytes, want %d at most", info.Size(), most)
	}
}
