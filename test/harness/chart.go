package harness

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

const (
	// OperatorName is the name of the operator, and of all that is installed with it.
	OperatorName = "custom-pod-autoscaler-operator"
	// Chart is the folder of the chart, as seen from the repository's top folder.
	Chart = "charts/" + OperatorName
	// ManifestFile is the operator for kubectl apply.
	ManifestFile = Root + "/deploy/" + OperatorName + ".yaml"
	// PolicyFile is the admission policy for kubectl apply.
	PolicyFile = Root + "/deploy/" + OperatorName + "-policy.yaml"
	// Definition is the name of the CustomResourceDefinition, for kubectl.
	Definition = "crd/custompodautoscalers.custompodautoscaler.com"
)

// Helm runs it as the administrator, in the repository's top folder, and gives what it prints.
func Helm(t *testing.T, arguments ...string) string {
	t.Helper()
	stdout, err := HelmTries(t, arguments...)
	if err != nil {
		t.Fatalf("helm %s: %v", strings.Join(arguments, " "), err)
	}
	return stdout
}

// HelmTries is Helm where it may fail.
func HelmTries(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	command := exec.Command("go", append([]string{"tool", "-modfile=tools/helm/go.mod", "helm"}, arguments...)...)
	command.Dir = Root
	home := t.TempDir()
	command.Env = append(os.Environ(), "KUBECONFIG="+cluster.Start(t).Kubeconfig(),
		"HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, &stderr)
	}
	return stdout.String(), nil
}
