package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
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
	createDeploymentOf(t, namespace, func(template *corev1.PodTemplateSpec) {
		template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "TOKEN", Value: "s3cret"}}
	})
	config := "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\nnamespace: " + namespace + "\ninterval: 300\n" +
		"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]" + growing
	p := start(t, options{config: config + "record: {path: passes.jsonl, maxSize: 10Mi}\n"})
	scalesTo(t, namespace, 3)
	ready(t, namespace, 3)
	p.eventually("a pass that is held by maxReplicas", func() (bool, error) {
		return strings.Contains(p.read("passes.jsonl"), "TooManyReplicas"), nil
	})
	p.stop()

	a := author{t, p.dir}
	text := p.read("passes.jsonl")
	if strings.Contains(text, "s3cret") || !strings.Contains(text, `{"name":"TOKEN"}`) || !strings.HasSuffix(text, "\n") {
		t.Error("the recording has the value of a variable, or is not whole")
	}
	out := a.replays(0, "config.yaml")
	a.has(out, "Deployment "+namespace+"/web", "from 20")
	a.has(out, "all are decided as they were")

	a.write("new.yaml", strings.Replace(config, "maxReplicas: 3", "maxReplicas: 2", 1))
	out = a.replays(1, "new.yaml")
	a.has(out, "3 -> 2: the same is recommended, and limited or held otherwise")
	a.has(out, "now ", "maxReplicas is 2 (TooManyReplicas)")
}

func TestARecordingThatCannotBeWrittenKeepsNobodyFromScaling(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	p := start(t, options{config: base(namespace) + "record: {path: nowhere/passes.jsonl}\n", files: replies(3)})
	scalesTo(t, namespace, 3)
	p.logs(`msg="recording a pass failed; scaling goes on"`, "nowhere/passes.jsonl: no such file or directory", "record.path")
	p.evaluates(2)
	scalesTo(t, namespace, 2)
	if warned := strings.Count(p.log.String(), "recording a pass failed"); warned != 1 {
		t.Errorf("that was said %d times", warned)
	}
	if err := os.Mkdir(filepath.Join(p.dir, "nowhere"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.eventually("a recording", func() (bool, error) {
		info, err := os.Stat(filepath.Join(p.dir, "nowhere", "passes.jsonl"))
		return err == nil && info.Size() > 0, fmt.Errorf("there is none: %w", err)
	})
}

// replays replays what was recorded in the folder, where any difference ends it with 1.
func (a author) replays(code int, config string) string {
	a.Helper()
	out, _ := a.runsProgram(code, "replay", "passes.jsonl", "--config", config, "--exit-code")
	return out
}
