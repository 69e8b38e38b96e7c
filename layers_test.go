package autoscaler_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/custom-pod-autoscaler/autoscaler/v3/"

// room is one of our packages: what it is, and what it may import of ours, with the reasons.
type room struct {
	name, is string
	edges    map[string]string
}

// standard tells a room that imports the standard library only.
func (r room) standard() bool { return strings.Contains(r.is, "standard library only") }

// pure tells a room of functions of values, which imports nothing that makes calls.
func (r room) pure() bool { return strings.Contains(r.is, "calls nothing") }

// graph is what internal/layers.txt says.
type graph struct {
	anybody []room // whom every room may import, in their order
	rooms   []room
}

func readGraph(t *testing.T, text string) (g graph) {
	t.Helper()
	var section *[]room
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		name, reason, said := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "anybody":
			section = &g.anybody
		case line == "packages":
			section = &g.rooms
		case section == nil || !said || reason == "":
			t.Fatalf("%q has no reason", line)
		case strings.HasPrefix(line, "\t"):
			(*section)[len(*section)-1].edges[name] = reason
		default:
			*section = append(*section, room{name, reason, map[string]string{}})
		}
	}
	return g
}

// find is the entry of a package: its own, or the one with a star that it belongs to.
func find(among []room, name string) (room, bool) {
	for _, r := range among {
		if r.name == name {
			return r, true
		}
	}
	for _, r := range among {
		if matches, _ := path.Match(r.name, name); matches {
			return r, true
		}
	}
	return room{}, false
}

// calling are packages by which a call can be made, to the API or to anything else.
var calling = []string{"context", "net", "os", "k8s.io/client-go", "sigs.k8s.io/controller-runtime"}

// check gives what is wrong with one package importing another, or "".
func (g graph) check(name, imported string) string {
	ours, isOurs := strings.CutPrefix(imported, module)
	common := slices.IndexFunc(g.anybody, func(r room) bool { return r.name == ours })
	is, known := find(g.rooms, name)
	at := slices.IndexFunc(g.anybody, func(r room) bool { return r.name == name })
	if at >= 0 {
		is, known = g.anybody[at], true
	}
	_, allowed := find(roomsOf(is.edges), ours)
	switch {
	case !known:
		return fmt.Sprintf("%s has no entry in internal/layers.txt: say what it is, and what it imports", name)
	case is.standard() && strings.Contains(imported, "."):
		return fmt.Sprintf("%s imports %s, but it may use the standard library only: it %s", name, imported, is.is)
	case is.pure() && slices.ContainsFunc(calling, func(path string) bool { return imported == path || strings.HasPrefix(imported, path+"/") }):
		return fmt.Sprintf("%s imports %s, by which calls can be made, but it calls nothing: %s", name, imported, is.is)
	case !isOurs || allowed:
	case at >= 0 && (common < 0 || common >= at):
		return fmt.Sprintf("%s imports %s, but anybody may import it, so that it imports only what is above it there", name, ours)
	case common < 0:
		return fmt.Sprintf("%s imports %s, which internal/layers.txt does not allow: let it take a value or a small interface of its own instead, or add the import with its reason", name, ours)
	}
	return ""
}

func roomsOf(edges map[string]string) (all []room) {
	for name := range edges {
		all = append(all, room{name: name})
	}
	return all
}

// sources are the files of our packages that are no tests, by package.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	for _, top := range []string{"api", "userlogic", "internal", "cmd"} {
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				of := filepath.ToSlash(filepath.Dir(path))
				files[of] = append(files[of], path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func parsed(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func importsOf(t *testing.T, file *ast.File) (paths []string) {
	t.Helper()
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestPackagesImportWhatTheyMay(t *testing.T) {
	g := readGraph(t, read(t, "internal/layers.txt"))
	used := map[string]bool{}
	for name, files := range sources(t) {
		is, _ := find(g.rooms, name)
		used[is.name] = true
		for _, file := range files {
			for _, imported := range importsOf(t, parsed(t, file)) {
				if problem := g.check(name, imported); problem != "" {
					t.Errorf("%s: %s", file, problem)
				}
				if edge, ok := find(roomsOf(is.edges), strings.TrimPrefix(imported, module)); ok {
					used[is.name+" "+edge.name] = true
				}
			}
		}
	}
	for _, r := range g.rooms {
		if strings.HasSuffix(r.name, "/*") && !used[r.name] {
			continue // there is no such folder yet
		}
		if !used[r.name] {
			t.Errorf("internal/layers.txt names %s, which is not there", r.name)
		}
		for edge := range r.edges {
			if !used[r.name+" "+edge] && (used[edge] || !strings.HasSuffix(edge, "/*")) {
				t.Errorf("internal/layers.txt says that %s imports %s, which it does not", r.name, edge)
			}
		}
	}
}

// TestTheLayersAreKept shows that the test above can fail.
func TestTheLayersAreKept(t *testing.T) {
	g := readGraph(t, read(t, "internal/layers.txt"))
	const plan = "internal/operator/plan"
	for _, row := range []struct{ name, room, imported, want string }{
		{"one that is named", "internal/stage", module + "internal/workload", ""},
		{"one that is not", "internal/workload", module + "internal/stage", "does not allow"},
		{"what anybody may", "internal/workload", module + "internal/text", ""},
		{"a kind of method", "internal/config/kinds", module + "internal/method/new", ""},
		{"of a kind of method", "internal/method/new", module + "internal/process", ""},
		{"of a kind of method, which it may not", "internal/method/new", module + "internal/config", "does not allow"},
		{"of what anybody may import, above", "internal/config/rule", module + "internal/text", ""},
		{"of what anybody may import, below", "internal/text", module + "internal/secret", "the standard library only"},
		{"of what anybody may import, elsewhere", "internal/quantity", module + "internal/kube", "only what is above it"},
		{"one without an entry", "internal/misc", module + "internal/config", "no entry"},
		{"importing one without an entry", "internal/workload", module + "internal/misc", "does not allow"},
		{"a library of one that has the standard library only", "internal/decision", "k8s.io/api/core/v1", "a function of plain values"},
		{"values in one that calls nothing", plan, "k8s.io/api/rbac/v1", ""},
		{"another one that calls nothing", plan, module + "internal/operator/desired", ""},
		{"a client in one that calls nothing", plan, "sigs.k8s.io/controller-runtime/pkg/client", "by which calls can be made"},
		{"a context in one that calls nothing", plan, "context", "by which calls can be made"},
		{"a room that makes calls", plan, module + "internal/kube", "does not allow"},
		{"a client elsewhere", "internal/operator", "k8s.io/client-go/rest", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := g.check(row.room, row.imported); (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// symbols may be used in some packages only.
var symbols = []struct {
	of      string // the package that has them
	names   []string
	allowed map[string]string // where, and why there
}{
	{"os", []string{"Environ", "Getenv", "LookupEnv"}, map[string]string{
		"cmd/custom-pod-autoscaler": "main hands the environment on as a value", "internal/operator": "the namespaces of operator 1.4 are a variable",
		"internal/process": "a run of an autoscaler's method may be an autoscaler itself", "internal/method/methodtest": "tests run again with a variable set",
		"internal/method/shell": "a program is run with our environment", "internal/method/worker": "a program is run with our environment",
	}},
	{"os", []string{"Exit"}, map[string]string{
		"cmd/custom-pod-autoscaler": "main", "cmd/custom-pod-autoscaler-operator": "main", "internal/method/methodtest": "it is the main of tests",
	}},
	{"fmt", []string{"Print", "Printf", "Println"}, nil},
	{"os", []string{"Stdout", "Stderr", "Stdin"}, map[string]string{
		"cmd/custom-pod-autoscaler": "main hands them on as writers", "cmd/custom-pod-autoscaler-operator": "main hands them on as writers",
		"internal/method/methodtest": "it is the main of tests", "userlogic/worker": "it is the main loop of a worker",
	}},
	{"os/exec", []string{"Command", "CommandContext"}, map[string]string{
		"internal/executable": "it looks whether an interpreter starts", "internal/method/shell": "it starts programs, by process", "internal/method/worker": "it starts programs, by process",
		"internal/plugin": "it asks a dry run by kubectl port-forward", "internal/method/methodtest": "tests start programs",
	}},
	{"k8s.io/client-go/rest", []string{"Config", "InClusterConfig"}, map[string]string{
		"internal/host": "it connects the process", "internal/simulation": "it is a cluster", "internal/kube": "a client is made of a connection",
		"internal/unit": "it is handed the connection of its host", "internal/operator": "the manager is made of a connection",
	}},
}

// symbolsOf are the names that a file uses of a package.
func symbolsOf(file *ast.File, of string) map[string]bool {
	name := path.Base(of)
	there := false
	for _, spec := range file.Imports {
		if strings.Trim(spec.Path.Value, `"`) == of {
			there = true
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	used := map[string]bool{}
	if !there {
		return used
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, is := node.(*ast.SelectorExpr); is {
			if x, is := selector.X.(*ast.Ident); is && x.Name == name {
				used[selector.Sel.Name] = true
			}
		}
		return true
	})
	return used
}

func TestSymbolsAreUsedWhereTheyMayBe(t *testing.T) {
	used := make([]map[string]bool, len(symbols))
	for name, files := range sources(t) {
		for _, file := range files {
			tree := parsed(t, file)
			for i, group := range symbols {
				there := symbolsOf(tree, group.of)
				for _, symbol := range group.names {
					if !there[symbol] {
						continue
					}
					if group.allowed[name] == "" {
						t.Errorf("%s uses %s.%s, which only %v may: hand it on as a value", file, group.of, symbol, slices.Sorted(maps.Keys(group.allowed)))
					}
					if used[i] == nil {
						used[i] = map[string]bool{}
					}
					used[i][name] = true
				}
			}
		}
	}
	for i, group := range symbols {
		for name := range group.allowed {
			if !used[i][name] {
				t.Errorf("%s may use %s of %s, and does not", name, strings.Join(group.names, ", "), group.of)
			}
		}
	}
}

func TestASymbolIsFound(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
import system "os"
var a = system.Getenv("A")
var os struct{ Exit int }
var b = os.Exit
`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(symbolsOf(file, "os"))); !slices.Equal(got, []string{"Getenv"}) {
		t.Errorf("got %v", got)
	}
}
