// Package images holds what can be held of the images without building them: that what they are made of is there, is built by
// the lines that build it, and behaves as the images before did.
package images

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/scaffold"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// file is that of all our images, each a stage of it.
const file = "Dockerfile"

// instruction is one of a Dockerfile: "COPY", "go.mod go.sum ./".
type instruction struct{ name, rest string }

// parse reads what our Dockerfiles use of the language, and no more.
func parse(t *testing.T, file string) (all []instruction) {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(read(t, file), "")
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			continue
		}
		if !slices.Contains([]string{"FROM", "ARG", "WORKDIR", "COPY", "RUN", "USER", "ENV", "CMD", "ENTRYPOINT"}, name) || rest == "" {
			t.Fatalf("%s: there is %q", file, line)
		}
		all = append(all, instruction{name, rest})
	}
	return all
}

// stage is one of the stages of our Dockerfile, from its base on; it is empty where there is none of that name.
func stage(t *testing.T, name string) (all []instruction) {
	t.Helper()
	within := false
	for _, one := range parse(t, file) {
		if one.name == "FROM" {
			within = strings.HasSuffix(one.rest, " AS "+name)
		}
		if within {
			all = append(all, one)
		}
	}
	return all
}

// value is the last one of an instruction, which is the one that counts.
func value(all []instruction, name string) (last string) {
	for _, one := range all {
		switch one.name {
		case "FROM":
			last = ""
		case name:
			last = one.rest
		}
	}
	return last
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func dockerfiles(t *testing.T) []string {
	t.Helper()
	examples, err := filepath.Glob("../examples/*/Dockerfile")
	if err != nil || len(examples) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	return append(examples, file)
}

// ignored tells what .dockerignore keeps out of a build, by the patterns that it has: a name at the top, or **/ and a name anywhere.
func ignored(t *testing.T, file string) bool {
	t.Helper()
	for pattern := range strings.Lines(read(t, "../.dockerignore")) {
		pattern = strings.TrimSpace(pattern)
		anywhere, ok := strings.CutPrefix(pattern, "**/")
		switch {
		case pattern == "" || pattern[0] == '#':
		case strings.ContainsAny(strings.TrimPrefix(anywhere, "*"), "*!/"):
			t.Fatalf(".dockerignore has %q, which is not understood here", pattern)
		case ok && slices.ContainsFunc(strings.Split(file, "/"), func(part string) bool { matches, _ := path.Match(anywhere, part); return matches }),
			!ok && strings.HasPrefix(file+"/", pattern+"/"):
			return true
		}
	}
	return false
}

func TestWhatAnImageIsMadeOfIsThere(t *testing.T) {
	for _, file := range dockerfiles(t) {
		context := filepath.Dir(file) // an example's folder can be copied and built elsewhere
		isOwn := !strings.HasPrefix(file, "../examples/")
		if isOwn {
			context = ".."
		}
		isMadeOf(t, file, func(source string) error {
			if isOwn && ignored(t, source) {
				return errors.New("it is ignored")
			}
			_, err := os.Stat(filepath.Join(context, source))
			return err
		})
	}
}

// TestImages holds what all of our own images have in common.
func TestImages(t *testing.T) {
	t.Run("are built with the toolchain of go.mod", func(t *testing.T) {
		toolchain := regexp.MustCompile(`(?m)^toolchain go(\S+)$`).FindStringSubmatch(read(t, "../go.mod"))
		if toolchain == nil {
			t.Fatal("go.mod has no toolchain line")
		}
		if want := " golang:" + toolchain[1] + " AS build"; !strings.Contains(read(t, file), want) {
			t.Errorf("%s does not build with%s", file, strings.TrimSuffix(want, " AS build"))
		}
	})
}

// isMadeOf holds that a Dockerfile's bases have tags that say which, that what it copies is there, as there says, or in the stage that it is
// copied from, and that no shell is needed to start it.
func isMadeOf(t *testing.T, file string, there func(source string) error) {
	t.Helper()
	stages := map[string]string{} // their bases
	for _, one := range parse(t, file) {
		words := strings.Fields(one.rest)
		switch {
		case one.name == "FROM":
			base := words[slices.IndexFunc(words, func(word string) bool { return !strings.HasPrefix(word, "--") })]
			if _, tag, ok := strings.Cut(base, ":"); !ok || tag == "latest" {
				t.Errorf("%s: %s has no tag that says which", file, base)
			}
			isOurs(t, file, base)
			stages[words[len(words)-1]] = base
		case one.name == "COPY" && strings.HasPrefix(words[0], "--from="):
			from := strings.TrimPrefix(words[0], "--from=")
			base, ok := stages[from]
			if !ok {
				t.Errorf("%s: there is no stage %s before %v", file, from, words)
			}
			if image := ours(base); image != "" && !strings.HasSuffix(value(stage(t, image), "COPY"), " "+words[1]) {
				t.Errorf("%s: %s has no %s", file, base, words[1])
			}
		case one.name == "COPY":
			for _, source := range words[:len(words)-1] {
				if err := there(source); err != nil {
					t.Errorf("%s: %s is not there: %v", file, source, err)
				}
			}
		case one.name == "CMD", one.name == "ENTRYPOINT":
			var command []string
			if err := json.Unmarshal([]byte(one.rest), &command); err != nil || len(command) == 0 {
				t.Errorf("%s: %s is no list, and would need a shell", file, one.rest)
			}
		}
	}
}

// ours is which of the images here a base is, or "".
func ours(base string) string {
	name, _, _ := strings.Cut(base, ":")
	image, _ := strings.CutPrefix(name, "custompodautoscaler/")
	if image == name {
		return ""
	}
	return image
}

// isOurs holds that a base that is said to be one of the images here is, and that all name the same version.
func isOurs(t *testing.T, file, base string) {
	t.Helper()
	image := ours(base)
	if image == "" {
		return
	}
	if len(stage(t, image)) == 0 {
		t.Errorf("%s: %s is not made here", file, base)
	}
	if !strings.HasSuffix(base, ":"+version.Image()) {
		t.Errorf("%s: %s is not of the version %s, as others are", file, base, version.Image())
	}
}

// TestTheImagesThatInitWrites are made of what is in their folder, start the autoscaler where its programs are, and are not root.
func TestTheImagesThatInitWrites(t *testing.T) {
	for _, language := range scaffold.Names() {
		folder := t.TempDir()
		files, err := scaffold.Values{Language: language, APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "default"}.Files()
		if err = errors.Join(err, scaffold.Write(folder, files)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(folder, "Dockerfile")
		isMadeOf(t, file, func(source string) error { _, err := os.Stat(filepath.Join(folder, source)); return err })
		all := parse(t, file)
		for _, file := range files {
			about := regexp.MustCompile(`^(Dockerfile|README.md|cpa.yaml|simulation.yaml|config.schema.json)$|_test.go$`).MatchString(file.Name)
			if !about && !copies(all, file.Name) {
				t.Errorf("%s: %s is not copied", language, file.Name)
			}
		}
		for i, one := range slices.Backward(all) { // what the last base has, and then what is done to it
			if one.name == "FROM" && ours(one.rest) != "" {
				all = append(stage(t, ours(one.rest)), all[i+1:]...)
			}
			if one.name == "FROM" {
				break
			}
		}
		for name, want := range map[string]string{"WORKDIR": `^/app$`, "CMD": `^\["/app/custom-pod-autoscaler"\]$`, "USER": `^65532\b`, "ENTRYPOINT": `^$`} {
			if got := value(all, name); !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("%s: %s is %q", language, name, got)
			}
		}
	}
}

// copies tells whether a file is copied, by its name or with all that there is.
func copies(all []instruction, name string) bool {
	return slices.ContainsFunc(all, func(one instruction) bool {
		return one.name == "COPY" && (one.rest == ". ." || slices.Contains(strings.Fields(one.rest), name))
	})
}

// TestTheImagesBehaveAsBefore: who builds on them has relied on it.
func TestTheImagesBehaveAsBefore(t *testing.T) {
	const autoscaler = `["/app/custom-pod-autoscaler"]`
	for _, row := range []struct{ image, directory, user, entrypoint, command string }{
		{"python", "/app", "", "", autoscaler},
		{"alpine", "/app", "", "", autoscaler},
		{"plain", "/app", "65532:65532", "", autoscaler},
		{"operator", "", "65532:65532", `["/custom-pod-autoscaler-operator"]`, ""},
	} {
		all := stage(t, row.image)
		for name, want := range map[string]string{"WORKDIR": row.directory, "USER": row.user, "ENTRYPOINT": row.entrypoint, "CMD": row.command} {
			if got := value(all, name); got != want {
				t.Errorf("%s: %s is %q, want %q", row.image, name, got, want)
			}
		}
		copied := strings.Fields(value(all, "COPY"))
		var program []string
		if err := json.Unmarshal([]byte(row.entrypoint+row.command), &program); err != nil || copied[2] != program[0] || path.Base(copied[1]) != path.Base(program[0]) {
			t.Errorf("%s: the program is copied as %v, and run as %v", row.image, copied, program)
		}
	}
}

// TestPythonFindsWhatMakesAWorker: its folder for packages has the version of Python in it.
func TestPythonFindsWhatMakesAWorker(t *testing.T) {
	text := read(t, file)
	for _, want := range []string{
		"\nARG PYTHON=3.", "\nFROM python:${PYTHON}-slim-trixie AS python\nARG PYTHON\n", "\nCOPY userlogic/python/cpa_worker.py /usr/local/lib/python${PYTHON}/site-packages/\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not have %q", file, want)
		}
	}
}

// TestTheImagesOfOldNames are made by the same stage, each with its Python.
func TestTheImagesOfOldNames(t *testing.T) {
	command := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", "..", "images", "SHELL=/bin/bash", "VERSION=1", "COMMIT=2")
	dir := t.TempDir()
	// A stand-in for docker records its arguments.
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\necho \"$@\" >> "+dir+"/calls\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	command.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calls := read(t, filepath.Join(dir, "calls"))
	for image, python := range map[string]string{
		"operator": "", "python": "", "alpine": "", "plain": "", "python-3-12": "--build-arg PYTHON=3.12 ", "python-3-13": "--build-arg PYTHON=3.13 ", "python-3-14": "--build-arg PYTHON=3.14 ",
	} {
		stage, _, _ := strings.Cut(image, "-")
		want := python + "--target " + stage + " --file images/Dockerfile --tag custompodautoscaler/" + image + ":1 "
		if !strings.Contains(calls, "COMMIT=2 "+want) {
			t.Errorf("%s is not made by %s; there are\n%s", image, want, calls)
		}
	}
}

// buildLine is how the programs are built.
func buildLine(t *testing.T) (line string) {
	t.Helper()
	for _, one := range stage(t, "build") {
		if one.name == "RUN" && strings.Contains(one.rest, "go build") {
			line = one.rest
		}
	}
	return line
}

func TestTheProgramsAreBuiltAsTheMakefileDoes(t *testing.T) {
	settings := regexp.MustCompile(`-X \S+=`).FindAllString(buildLine(t), -1)
	if len(settings) == 0 {
		t.Fatal("nothing is said to the linker")
	}
	for _, setting := range settings {
		if !strings.Contains(read(t, "../Makefile"), setting) {
			t.Errorf("they are built with %s, which the Makefile does not have", setting)
		}
	}
}

// TestTheProgramIsBuiltOfWhatIsNotIgnored, for both architectures, by the Dockerfile's own line.
func TestTheProgramIsBuiltOfWhatIsNotIgnored(t *testing.T) {
	context, out := t.TempDir(), t.TempDir()
	err := filepath.WalkDir("..", func(file string, entry fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(file, "../"))
		switch {
		case err != nil || file == "..":
			return err
		case ignored(t, name) && entry.IsDir():
			return fs.SkipDir
		case ignored(t, name):
			return nil
		case entry.IsDir():
			return os.Mkdir(filepath.Join(context, name), 0o755)
		}
		return os.WriteFile(filepath.Join(context, name), []byte(read(t, file)), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		folder := filepath.Join(out, arch)
		command := exec.CommandContext(t.Context(), "sh", "-c", strings.NewReplacer("-o /out/", "-o "+folder+"/", "./cmd/...", "./cmd/custom-pod-autoscaler").Replace(buildLine(t)))
		command.Dir = context
		command.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+arch, "VERSION=1.2.3", "COMMIT=abcdef")
		if words, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", arch, err, words)
		}
		program, err := elf.Open(filepath.Join(folder, "custom-pod-autoscaler"))
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		if libraries, err := program.ImportedLibraries(); program.Machine != machine || err != nil || len(libraries) > 0 {
			t.Errorf("%s: the program is for %s, and needs %v, %v", arch, program.Machine, libraries, err)
		}
	}
	if runtime.GOOS != "linux" {
		t.Skip("it runs on linux only")
	}
	words, err := exec.CommandContext(t.Context(), filepath.Join(out, runtime.GOARCH, "custom-pod-autoscaler"), "version").CombinedOutput()
	if err != nil || !strings.Contains(string(words), "1.2.3") || !strings.Contains(string(words), "abcdef") {
		t.Errorf("its version is %s, %v", words, err)
	}
}
