package tools

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// queue scales by the external metric jobs: one replica for ten of them.
const queue = `
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
maxReplicas: 4
interval: 1000
downscaleStabilization: 0
kubernetesMetricSpecs: [{type: External, external: {metric: {name: jobs}, target: {type: AverageValue, averageValue: "10"}}}]
evaluate: {type: hpa}
`

// TestASimulationDecidesAsInACluster: the same load, and the same configuration, lead to the same decisions, one after another.
func TestASimulationDecidesAsInACluster(t *testing.T) {
	t.Parallel()
	levels := []int{10, 45, 25, 3}
	namespace := harness.Deploy(t, 1)
	harness.SetExternalMetric(t, namespace, "jobs", nil, "10")
	p := harness.Start(t, harness.Options{Config: queue + "namespace: " + namespace + "\n"})
	p.Logs("msg=serving")
	for i, want := range []string{"1>1", "5>4 TooManyReplicas", "3>3", "1>1"} {
		harness.SetExternalMetric(t, namespace, "jobs", nil, fmt.Sprint(levels[i]))
		p.Eventually("the decision "+want, func() (bool, error) {
			all := inCluster(p)
			return len(all) > 0 && strings.HasPrefix(all[len(all)-1], want), fmt.Errorf("there are %q", all)
		})
	}
	if real, simulated := inCluster(p), inSimulation(t, levels); !slices.Equal(real, simulated) {
		t.Errorf("in the cluster it decided\n%q\nin the simulation\n%q", real, simulated)
	}
}

// changes leaves out what is decided once more.
func changes(all []string) []string { return slices.Compact(all) }

// inCluster are the program's decisions so far: recommended>desired, and the reasons.
func inCluster(p *harness.Program) (all []string) {
	p.Helper()
	var decisions []userlogic.Decision
	p.Call(http.MethodGet, "/api/v1/decisions?run_type=scaler&limit=10000").Decode(p.T, &decisions)
	for _, d := range decisions {
		if d.DesiredReplicas == nil {
			continue
		}
		var reasons []string
		for _, reason := range d.Reasons {
			reasons = append(reasons, reason.Reason)
		}
		all = append(all, fmt.Sprintf("%d>%d %s", *d.RecommendedReplicas, *d.DesiredReplicas, strings.Join(reasons, ",")))
	}
	slices.Reverse(all) // the newest comes first
	return changes(all)
}

// inSimulation are those that the same program comes to without a cluster, with a minute of each level of the load.
func inSimulation(t *testing.T, levels []int) (all []string) {
	t.Helper()
	dir, trace := t.TempDir(), ""
	for i, level := range levels {
		trace += fmt.Sprintf("%dm,%d\n%dm59.999s,%d\n", i, level, i, level)
	}
	harness.WriteFile(t, filepath.Join(dir, "load.csv"), trace)
	harness.WriteFile(t, filepath.Join(dir, "config.yaml"), queue)
	harness.WriteFile(t, filepath.Join(dir, "simulation.yaml"), "duration: 239s\nload: [{trace: load.csv}]\nmetrics: {values: {jobs: load}}\n")
	command := exec.Command(harness.Build(t, "-race"), "simulate", "--config", "config.yaml", "--simulation", "simulation.yaml", "-o", "json")
	command.Dir, command.Env = dir, os.Environ()
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		Courses []struct {
			Passes []struct {
				Recommended, Desired int
				Reasons              string
			}
		}
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatal(err)
	}
	for _, pass := range result.Courses[0].Passes {
		all = append(all, fmt.Sprintf("%d>%d %s", pass.Recommended, pass.Desired, pass.Reasons))
	}
	return changes(all)
}
