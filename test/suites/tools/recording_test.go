package tools

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// growing recommends a pod more than there are, by what metric said of each of them.
const growing = `
metric: {type: shell, timeout: 20000, shell: {command: ["-c", "cat > /dev/null; echo there"]}}
evaluate: {type: shell, timeout: 20000, shell: {command: ["-c", "echo '{\"targetReplicas\":' $(($(grep -o there | wc -l) + 1))'}'"]}}
maxReplicas: 3
`

func TestWhatAnAutoscalerRecordsIsReplayed(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	harness.CreateDeploymentOf(t, namespace, func(template *corev1.PodTemplateSpec) {
		template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "TOKEN", Value: "s3cret"}}
	})
	config := "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\nnamespace: " + namespace + "\ninterval: 300\n" +
		"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]" + growing
	p := harness.Start(t, harness.Options{Config: config + "record: {path: passes.jsonl, maxSize: 10Mi}\n"})
	harness.ScalesTo(t, namespace, 3)
	harness.PodsAreReady(t, namespace, 3)
	p.Eventually("a pass that is held by maxReplicas", func() (bool, error) {
		return strings.Contains(p.Read("passes.jsonl"), "TooManyReplicas"), nil
	})
	p.Stop()

	a := harness.Author{T: t, Dir: p.Dir}
	text := p.Read("passes.jsonl")
	if strings.Contains(text, "s3cret") || !strings.Contains(text, `{"name":"TOKEN"}`) || !strings.HasSuffix(text, "\n") {
		t.Error("the recording has the value of a variable, or is not whole")
	}
	out := replays(a, 0, "config.yaml")
	a.Has(out, "Deployment "+namespace+"/web", "from 20")
	a.Has(out, "all are decided as they were")

	a.Write("new.yaml", strings.Replace(config, "maxReplicas: 3", "maxReplicas: 2", 1))
	out = replays(a, 1, "new.yaml")
	a.Has(out, "3 -> 2: the same is recommended, and limited or held otherwise")
	a.Has(out, "now ", "maxReplicas is 2 (TooManyReplicas)")
}

func TestARecordingThatCannotBeWrittenKeepsNobodyFromScaling(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "record: {path: nowhere/passes.jsonl}\n", Files: harness.Replies(3)})
	harness.ScalesTo(t, namespace, 3)
	p.Logs(`msg="recording a pass failed; scaling goes on"`, "nowhere/passes.jsonl: no such file or directory", "record.path")
	p.Evaluates(2)
	harness.ScalesTo(t, namespace, 2)
	if warned := strings.Count(p.Printed.String(), "recording a pass failed"); warned != 1 {
		t.Errorf("that was said %d times", warned)
	}
	if err := os.Mkdir(filepath.Join(p.Dir, "nowhere"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.Eventually("a recording", func() (bool, error) {
		info, err := os.Stat(filepath.Join(p.Dir, "nowhere", "passes.jsonl"))
		return err == nil && info.Size() > 0, fmt.Errorf("there is none: %w", err)
	})
}

// replays replays what was recorded in the folder, where any difference ends it with 1.
func replays(a harness.Author, code int, config string) string {
	a.Helper()
	out, _ := a.RunsProgram(code, "replay", "passes.jsonl", "--config", config, "--exit-code")
	return out
}
