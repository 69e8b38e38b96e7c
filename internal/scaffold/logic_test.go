package scaffold

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// TestTheLanguagesSayTheSame: each is run as its own configuration says, and given the same documents.
func TestTheLanguagesSayTheSame(t *testing.T) {
	const nothing = "no pod that requests cpu is measured yet, so it stays at 4"
	documents := []struct {
		name, metrics string
		replicas      int32
		reason        string
	}{
		{"nothing could be gathered", ``, 4, nothing},
		{"no pod is measured", `[{"resource": {"pod_metrics_info": {}, "requests": {"a": 200}}}]`, 4, nothing},
		{"pods that request none", `[{"resource": {"pod_metrics_info": {"a": {"Value": 9}}, "requests": {"a": 0}}}]`, 4, nothing},
		{"as busy as wanted", `[{"resource": {"pod_metrics_info": {"a": {"Value": 50}, "b": {"Value": 150}}, "requests": {"a": 200, "b": 200}}}]`, 2, "50% busy, 50% wanted"},
		{"a little more, and it rounds up", `[{"resource": {"pod_metrics_info": {"a": {"Value": 51}, "b": {"Value": 150}}, "requests": {"a": 200, "b": 200}}}]`, 3, "50% busy, 50% wanted"},
		{"a whole number stays one", `[{"resource": {"pod_metrics_info": {"a": {"Value": 30}, "b": {"Value": 30}, "c": {"Value": 10}}, "requests": {"a": 20, "b": 20, "c": 20, "d": 20}}}]`, 7, "116% busy, 50% wanted"},
		{"idle", `[{"resource": {"pod_metrics_info": {"a": {"Value": 0}}, "requests": {"a": 200}}}]`, 0, "0% busy, 50% wanted"},
	}
	for _, language := range Names() {
		t.Run(language, func(t *testing.T) {
			settings := ready(t, language)
			for _, row := range documents {
				target := json.RawMessage(`{"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 4}}`)
				known := `{"resource": ` + string(target) + `, "runType": "scaler"}`
				if row.metrics != "" {
					known = strings.TrimSuffix(known, "}") + `, "kubernetesMetrics": ` + row.metrics + "}"
				}
				measured := run(t, "metric", *settings.Metric, known)
				document, err := json.Marshal(userlogic.EvaluateInput{Metrics: []userlogic.ResourceMetric{{Resource: "web", Value: measured}}, Resource: target, RunType: "scaler"})
				if err != nil {
					t.Fatal(err)
				}
				evaluation, err := userlogic.DecodeEvaluation(run(t, "evaluate", *settings.Evaluate, string(document)))
				if err != nil || evaluation.TargetReplicas != row.replicas || evaluation.Reason != row.reason {
					t.Errorf("%s: measured %s, got %+v, %v; want %d, %q", row.name, measured, evaluation, err, row.replicas, row.reason)
				}
			}
			for name, m := range map[string]config.Method{"metric": *settings.Metric, "evaluate": *settings.Evaluate} {
				if reply, err := start(t, name, m).Run(t.Context(), method.Whole([]byte("no document"))); err == nil {
					t.Errorf("%s replied %q to what is no document", name, reply)
				}
			}
		})
	}
}

func start(t *testing.T, name string, m config.Method) method.Runner {
	t.Helper()
	m.Timeout = 30_000 // the machine may be busy
	opened, err := method.Open(m.With(name, slog.New(slog.DiscardHandler)), func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}
	return opened.Runner
}

func run(t *testing.T, name string, m config.Method, document string) string {
	t.Helper()
	reply, err := start(t, name, m).Run(t.Context(), method.Whole([]byte(document)))
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// ready is the configuration of an autoscaler whose folder the test is in, and whose programs can be run.
func ready(t *testing.T, language string) config.Config {
	t.Helper()
	tool := map[string]string{"python": "python3", "http": "python3", "shell": "jq"}[language]
	if tool == "" {
		tool = language
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Fatalf("what is written in %s is run, and needs %s: install it", language, tool)
	}
	t.Chdir(written(t, usual(language)))
	switch language {
	case "go":
		build(t)
	case "http":
		serve(t)
	}
	loaded, err := config.Load("config.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Config
}

// build makes the program, and runs its own test, without a network.
func build(t *testing.T) {
	t.Helper()
	for _, arguments := range [][]string{{"build", "-o", "user-logic", "."}, {"vet", "."}, {"test", "."}} {
		command := exec.CommandContext(t.Context(), "go", arguments...)
		command.Env = append(os.Environ(), "GOPROXY=off", "GOTOOLCHAIN=local", "GOFLAGS=", "GOWORK=off")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", arguments, err, output)
		}
	}
}

// serve runs the server at a port that is free, and has the configuration say so. It answers once it says that it listens.
func serve(t *testing.T) {
	t.Helper()
	command := exec.Command("python3", "server.py") // it outlives the context of the test, which ends before its clean-up
	command.Env = append(os.Environ(), "PORT=0")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { _ = command.Process.Kill() })
	line, err := bufio.NewReader(output).ReadString('\n')
	late.Stop()
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the server says %q, %v", line, err)
	}
	t.Cleanup(func() { stop(t, command, output) })
	file := filepath.Join(".", "config.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(read(t, file), "http://127.0.0.1:8080", address)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// stop ends the server as Kubernetes does, which it has to heed.
func stop(t *testing.T, command *exec.Cmd, output io.Reader) {
	late := time.AfterFunc(30*time.Second, func() { _ = command.Process.Kill() })
	defer late.Stop()
	_ = command.Process.Signal(syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, output)
	if err := command.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
