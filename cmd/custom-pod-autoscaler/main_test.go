package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
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
