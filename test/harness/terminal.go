package harness

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// Terminal is somebody's who has kubectl and the plugin in the PATH.
type Terminal struct {
	*testing.T
	path, kube string
}

// TerminalOf is one whose kubectl goes by the kubeconfig.
func TerminalOf(t *testing.T, kube string) Terminal {
	t.Helper()
	path := t.TempDir()
	for name, program := range map[string]string{"kubectl": cluster.Start(t).Kubectl(), "kubectl-cpa": Build(t, "-race"), "kubectl_complete-cpa": Build(t, "-race")} {
		if err := os.Symlink(program, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	return Terminal{t, path, kube}
}

// Types runs a line, and gives what is printed and the exit code.
func (t Terminal) Types(line string) (stdout, stderr string, code int) {
	t.Helper()
	words := strings.Fields(line)
	command := exec.CommandContext(t.Context(), filepath.Join(t.path, words[0]), words[1:]...)
	command.Env = append(os.Environ(), "PATH="+t.path+":"+os.Getenv("PATH"), "KUBECONFIG="+t.kube)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	err := command.Run()
	if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", line, err)
	}
	return out.String(), said.String(), command.ProcessState.ExitCode()
}

// Prints runs a line that succeeds, and looks for words in what it prints, in their order.
func (t Terminal) Prints(line string, words ...string) string {
	t.Helper()
	stdout, stderr, code := t.Types(line)
	if code != 0 || stderr != "" {
		t.Errorf("%s: exit code %d: %s", line, code, stderr)
	}
	rest := stdout
	for _, word := range words {
		_, after, found := strings.Cut(rest, word)
		if !found {
			t.Errorf("%s: %q is missing, or not in this place, in\n%s", line, word, stdout)
			break
		}
		rest = after
	}
	return stdout
}

// Fails runs a line that does not succeed, and looks for words in what it says.
func (t Terminal) Fails(line string, words ...string) {
	t.Helper()
	if stdout, stderr, code := t.Types(line); code != 1 || stdout != "" || !ContainsAll(stderr, words) {
		t.Errorf("%s: got exit code %d and %q, %q; want 1 and %q", line, code, stdout, stderr, words)
	}
}
