package harness

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// Kubectl runs it as the administrator, and gives what it prints.
func Kubectl(t testing.TB, stdin string, arguments ...string) string {
	t.Helper()
	cluster := cluster.Start(t)
	command := exec.Command(cluster.Kubectl(), append([]string{"--kubeconfig", cluster.Kubeconfig()}, arguments...)...)
	command.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(arguments, " "), err, &stderr)
	}
	return stdout.String()
}

// KubectlFails runs it as the administrator, and gives what it says when it fails.
func KubectlFails(t *testing.T, stdin string, arguments ...string) (words string, err error) {
	t.Helper()
	cluster := cluster.Start(t)
	command := exec.CommandContext(t.Context(), cluster.Kubectl(), append([]string{"--kubeconfig", cluster.Kubeconfig()}, arguments...)...)
	command.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	err = command.Run()
	return stderr.String(), err
}
