package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program itself where a script calls custom-pod-autoscaler-operator.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"custom-pod-autoscaler-operator": main})
}

// TestScripts runs the program as people do, script by script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			// Nothing of this machine's cluster, if it has one.
			env.Setenv("KUBECONFIG", "")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("KUBERNETES_SERVICE_HOST", "")
			return nil
		},
	})
}
