package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program itself where a script calls custom-pod-autoscaler.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"custom-pod-autoscaler": main, "kubectl-cpa": main, "kubectl_complete-cpa": main})
}

// TestScripts runs the program as people do, script by script.
func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// Nothing of this machine's cluster, if it has one.
			env.Setenv("KUBECONFIG", "")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("KUBERNETES_SERVICE_HOST", "")
			env.Setenv("EXAMPLES", examples)
			env.Setenv("PYTHONDONTWRITEBYTECODE", "1") // the examples' folders stay as they are
			return errors.Join(withoutShims(env), offline(env))
		},
		Condition: func(name string) (bool, error) {
			if name != "account" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			_, err := os.Stat("/var/run/secrets/kubernetes.io/serviceaccount/token")
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "needs": needs, "answers": answers, "shown": shown},
	})
}

// offline lets scripts call go with what this machine has, since their home is another one, and a server have a port that is free.
func offline(env *testscript.Env) error {
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return fmt.Errorf("asking go for its caches: %w", err)
	}
	cache, modules, _ := strings.Cut(strings.TrimSpace(string(caches)), "\n")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	for name, value := range map[string]string{
		"GOCACHE": cache, "GOMODCACHE": modules, "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "PORT": port,
	} {
		env.Setenv(name, value)
	}
	return errors.Join(err, listener.Close())
}

// withoutShims puts the interpreter itself first on the path where python3 is a version manager's script, which starts many times slower.
func withoutShims(env *testscript.Env) error {
	found, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("install Python: apt-get install python3 (%w)", err)
	}
	executable, err := exec.Command(found, "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return fmt.Errorf("asking %s for its interpreter: %w", found, err)
	}
	if folder := filepath.Dir(strings.TrimSpace(string(executable))); folder != filepath.Dir(found) {
		env.Setenv("PATH", folder+string(os.PathListSeparator)+env.Getenv("PATH"))
	}
	return nil
}

// needs fails where programs are not there: needs node jq
func needs(ts *testscript.TestScript, _ bool, programs []string) {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			ts.Fatalf("this script runs %s, which is not there: install it (test/setup test does)", program)
		}
	}
}

// answers waits until a server in the background does: answers 127.0.0.1:8080
func answers(ts *testscript.TestScript, _ bool, addresses []string) {
	for _, address := range addresses {
		err := errors.New("not asked")
		for deadline := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(deadline); {
			var connection net.Conn
			if connection, err = net.Dial("tcp", address); err == nil {
				err = connection.Close()
				continue
			}
			time.Sleep(20 * time.Millisecond)
		}
		ts.Check(err)
	}
}

// exits runs a program and checks its exit code: exits 2 custom-pod-autoscaler --config config.yaml
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT ...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code, _ = strings.CutPrefix(err.Error(), "exit status ")
	}
	if _, notANumber := strconv.Atoi(code); notANumber != nil || code != args[0] {
		ts.Fatalf("%s: got %v, want exit status %s", strings.Join(args[1:], " "), err, args[0])
	}
}

// shown checks that a page shows what was just printed, in its blocks without a language: shown README.md
func shown(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: shown PAGE")
	}
	printed := strings.Split(strings.ReplaceAll(ts.ReadFile("stdout"), "\r\n", "\n"), "\n") // as a terminal ends lines
	fence, shows := "", 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "```") && fence == "":
			fence = line
		case strings.HasPrefix(line, "```"):
			fence = ""
		case fence == "```" && line != "":
			shows++
			if !slices.Contains(printed, line) {
				ts.Fatalf("%s shows what is not printed: %s", args[0], line)
			}
		}
	}
	if shows == 0 {
		ts.Fatalf("%s shows nothing that is printed", args[0])
	}
}
