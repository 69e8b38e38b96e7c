package autoscaler_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/custom-pod-autoscaler/autoscaler/v3/"

// rooms is the order in which data flows, from the contract with the outside to the programs. A room imports only
// rooms to its left, so that each arrow is a value and any room can be read, tested and replaced without those that
// follow. A new room takes its place here and in docs/design.md.
var rooms = []string{
	"api/v1",
	"userlogic",
	"userlogic/worker",
	"internal/version",
	"internal/secret",
	"internal/text",
	"internal/commandline",
	"internal/terminal",
	"internal/quantity",
	"internal/regular",
	"internal/fault",
	"internal/level",
	"internal/finding",
	"internal/config/span",
	"internal/rights",
	"internal/rights/rightstest",
	"internal/config/rule",
	"internal/kube",
	"internal/workload",
	"internal/decision",
	"internal/pass",
	"internal/hpa",
	"userlogic/hpa",
	"internal/process",
	"internal/method",
	"internal/method/methodtest",
	"internal/method/shell",
	"internal/method/http",
	"internal/method/worker",
	"internal/method/hpa",
	"internal/config",
	"internal/kubemetrics",
	"internal/stage",
	"internal/scale",
	"internal/lease",
	"internal/autoscaler",
	"internal/simulation",
	"internal/telemetry",
	"internal/report",
	"internal/recording",
	"internal/access",
	"internal/server",
	"internal/check",
	"internal/unit",
	"internal/host",
	"internal/experiment", "internal/plugin",
	"internal/kubectl",
	"internal/scaffold",
	"internal/cli",
	"internal/operator/desired",
	"internal/operator/plan",
	"internal/operator/rivals",
	"internal/operator/reconcile",
	"internal/operator/operatortest",
	"internal/operator",
	"cmd/custom-pod-autoscaler",
	"cmd/custom-pod-autoscaler-operator",
}

// alone are rooms that import nothing of ours, although they could.
var alone = map[string]string{
	"api/v1":               "it is public, and every client of the object would pull in what it imports",
	"userlogic":            "it is public: who writes user logic in Go must not pull in the autoscaler",
	"userlogic/worker":     "it is public, and makes a worker of a function, whatever the documents are",
	"internal/kube":        "it makes single calls, and knows nothing of what they are for",
	"internal/secret":      "it works on texts and objects, whoever shows them",
	"internal/text":        "it works on words, whatever they say",
	"internal/commandline": "it knows command lines, and no command",
	"internal/decision":    "deciding is a function of plain values, so that it can be tested as a timeline and run anywhere",
}

// standard are rooms that import the standard library only.
var standard = map[string]bool{"userlogic/worker": true, "internal/secret": true, "internal/text": true, "internal/decision": true}

// pure are rooms of functions of values. They call nothing, so they import nothing that makes calls.
var pure = map[string]string{
	"internal/operator/desired": "what the operator makes of an object is shown by golden files alone",
	"internal/operator/plan":    "what the operator does is decided before anything is written, and is tested without a cluster",
}

// calling are packages by which a call can be made, to the API or to anything else.
var calling = []string{"context", "net", "os", "k8s.io/client-go", "sigs.k8s.io/controller-runtime"}

// checkPure gives what is wrong with a pure room importing a package, or "". Of our rooms, those that make no calls are pure
// or come before internal/kube.
func checkPure(room, imported string) string {
	reason, isPure := pure[room]
	if !isPure {
		return ""
	}
	calls := slices.ContainsFunc(calling, func(path string) bool { return imported == path || strings.HasPrefix(imported, path+"/") })
	if ours, ok := strings.CutPrefix(imported, module); ok && pure[ours] == "" {
		calls = slices.Index(rooms, ours) >= slices.Index(rooms, "internal/kube")
	}
	if calls {
		return fmt.Sprintf("%s imports %s, by which calls can be made, but %s", room, imported, reason)
	}
	return ""
}

// check gives what is wrong with one room importing another, or "".
func check(room, imported string) string {
	from, to := slices.Index(rooms, room), slices.Index(rooms, imported)
	switch {
	case from < 0:
		return fmt.Sprintf("%s has no place in the order of rooms: decide what it comes after, and add it", room)
	case to < 0:
		return fmt.Sprintf("%s imports %s, which has no place in the order of rooms", room, imported)
	case to >= from:
		return fmt.Sprintf("%s imports %s, which comes after it: data flows from left to right, so let %s take a value or a small interface of its own instead",
			room, imported, room)
	case alone[room] != "":
		return fmt.Sprintf("%s imports %s, but %s", room, imported, alone[room])
	}
	return ""
}

func TestRoomsImportOnlyRoomsToTheirLeft(t *testing.T) {
	seen := map[string]bool{}
	for _, top := range []string{"api", "userlogic", "internal", "cmd"} {
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			room := filepath.ToSlash(filepath.Dir(path))
			seen[room] = true
			for _, imported := range imports(t, path) {
				ours, ok := strings.CutPrefix(imported, module)
				if problem := check(room, ours); ok && problem != "" {
					t.Errorf("%s: %s", path, problem)
				}
				if problem := checkPure(room, imported); problem != "" {
					t.Errorf("%s: %s", path, problem)
				}
				if standard[room] && strings.Contains(imported, ".") {
					t.Errorf("%s: imports %s, but it may use the standard library only: %s", path, imported, alone[room])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, room := range rooms {
		if !seen[room] {
			t.Errorf("the order of rooms names %s, which is not there", room)
		}
	}
}

func imports(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// TestTheOrderIsKept shows that the test above can fail.
func TestTheOrderIsKept(t *testing.T) {
	for _, row := range []struct{ name, room, imported, want string }{
		{"to the left", "internal/stage", "internal/workload", ""},
		{"to the right", "internal/workload", "internal/stage", "comes after it"},
		{"itself", "internal/workload", "internal/workload", "comes after it"},
		{"a room that stands alone", "internal/decision", "internal/workload", "a function of plain values"},
		{"a room without a place", "internal/misc", "internal/config", "has no place"},
		{"importing one without a place", "internal/workload", "internal/misc", "has no place"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := check(row.room, row.imported); (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// TestPureRoomsAreKept shows that the check of pure rooms can fail.
func TestPureRoomsAreKept(t *testing.T) {
	const plan = "internal/operator/plan"
	for _, row := range []struct{ name, room, imported, want string }{
		{"values", plan, "k8s.io/api/rbac/v1", ""},
		{"another pure room", plan, module + "internal/operator/desired", ""},
		{"a room that makes no calls", plan, module + "internal/secret", ""},
		{"a client", plan, "sigs.k8s.io/controller-runtime/pkg/client", "tested without a cluster"},
		{"a connection", plan, "k8s.io/client-go/rest", "by which calls can be made"},
		{"a context", plan, "context", "by which calls can be made"},
		{"a room that makes calls", plan, module + "internal/kube", "by which calls can be made"},
		{"a room that makes calls by another", plan, module + "internal/workload", "by which calls can be made"},
		{"a client in a room that is not pure", "internal/operator", "k8s.io/client-go/rest", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := checkPure(row.room, row.imported); (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
