package autoscaler_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/cli"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/worker"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/scaffold"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// pages are the project's own pages, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			found[path] = read(t, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fenced are a page's blocks of a language.
func fenced(page, language string) []string {
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, match[1])
	}
	return blocks
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	for path, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(page, -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), match[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestPagesNameMakeTargetsThatThereAre(t *testing.T) {
	makefile := read(t, "Makefile")
	command := regexp.MustCompile("(?m)(?:^|`)make((?: [a-z0-9-]+)+)")
	for path, page := range pages(t) {
		for _, match := range command.FindAllStringSubmatch(page, -1) {
			for target := range strings.FieldsSeq(match[1]) {
				if !strings.Contains(makefile, "\n"+target+":") {
					t.Errorf("%s: there is no make %s", path, target)
				}
			}
		}
	}
}

func TestTheDesignNamesEveryPackage(t *testing.T) {
	design := read(t, "docs/design.md")
	g := readGraph(t, read(t, "internal/layers.txt"))
	for _, r := range slices.Concat(g.anybody, g.rooms) {
		if !strings.Contains(design, "`"+r.name+"`") && !strings.HasPrefix(r.name, "cmd/") {
			t.Errorf("docs/design.md does not name %s", r.name)
		}
	}
}

// TestTheReadmeShowsTheExample holds that the five steps are those of the example, line by line.
func TestTheReadmeShowsTheExample(t *testing.T) {
	readme := read(t, "README.md")
	scripts := fenced(readme, "python")
	if len(scripts) != 2 {
		t.Fatalf("the README has %d Python blocks, want metric and evaluate", len(scripts))
	}
	folder := "examples/k8s-metrics-cpu/"
	metric, evaluate := read(t, folder+"metric.py"), read(t, folder+"evaluate.py")
	for line := range strings.Lines(scripts[0]) {
		if !strings.Contains(metric, line) {
			t.Errorf("metric.py does not have the README's line %q", line)
		}
	}
	for _, part := range []string{`json.loads(known["metrics"][0]["value"])`, `known["resource"]["spec"]["replicas"]`, "math.ceil("} {
		if !strings.Contains(scripts[1], part) || !strings.Contains(evaluate, part) {
			t.Errorf("the README and evaluate.py should both have %q", part)
		}
	}
	const known = `{"resource": {"spec": {"replicas": 2}}, "kubernetesMetrics": [{"resource": {"pod_metrics_info": {"a": {"Value": 180}, "b": {"Value": 180}}, "requests": {"a": 200, "b": 200}}}]}`
	measured := runPython(t, scripts[0], known)
	evaluated := runPython(t, scripts[1], fmt.Sprintf(`{"resource": {"spec": {"replicas": 2}}, "metrics": [{"resource": "web", "value": %q}]}`, measured))
	if measured != `{"replicas": 2, "utilization": 90}` || evaluated != `{"targetReplicas": 4}` {
		t.Errorf("pasted into files, the README's programs reply %s and %s", measured, evaluated)
	}
	for _, block := range fenced(readme, "yaml") {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if loaded, err := config.Load(path, nil); err != nil || len(loaded.Warnings) > 0 {
			t.Errorf("the README's configuration: %v %v", err, loaded.Warnings)
		}
	}
}

// runPython runs a script as it is, and gives what it prints.
func runPython(t *testing.T, script, input string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "python3", "-c", script)
	command.Stdin = strings.NewReader(input)
	reply, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, reply)
	}
	return string(reply)
}

// TestTheAutoscalerShownIsWrittenSo runs init as the page does, and finds what it prints there, and each language.
func TestTheAutoscalerShownIsWrittenSo(t *testing.T) {
	page := read(t, "docs/author-tools.md")
	for _, language := range scaffold.Names() {
		if !strings.Contains(page, "\n| `"+language+"` | ") {
			t.Errorf("docs/author-tools.md does not say what init writes in %s", language)
		}
	}
	t.Chdir(t.TempDir())
	var printed bytes.Buffer
	if code := cli.Main(cli.Program{Arguments: []string{"init", "web-autoscaler"}, Stdout: &printed, Stderr: &printed}); code != 0 {
		t.Fatalf("it ended with %d: %s", code, &printed)
	}
	if !strings.Contains(page, "```\n"+printed.String()+"```\n") {
		t.Errorf("docs/author-tools.md does not show what init prints:\n%s", &printed)
	}
}

// TestTheEvaluatorsShownWork runs the Python one, and finds the Go one in its example, which has its own test.
func TestTheEvaluatorsShownWork(t *testing.T) {
	page := read(t, "docs/kubernetes-metrics.md")
	python, golang := fenced(page, "python"), fenced(page, "go")
	if len(python) != 1 || len(golang) != 1 {
		t.Fatalf("there are %d Python and %d Go blocks, want one of each", len(python), len(golang))
	}
	if !strings.Contains(read(t, "examples/go-evaluate/main.go"), golang[0]) {
		t.Error("the example go-evaluate does not have what is shown of it")
	}
	command := exec.CommandContext(t.Context(), "python3", "-c", python[0])
	command.Stdin = strings.NewReader(`{"metrics": [{"resource": "web", "value":
		"{\"kubernetesMetrics\": [{\"resource\": {\"pod_metrics_info\": {\"a\": {\"Value\": 300}}, \"requests\": {\"a\": 200}}}]}"}]}`)
	if reply, err := command.Output(); err != nil || string(reply) != `{"targetReplicas": 3}` {
		t.Errorf("the Python evaluator replied %q, %v; want 3 replicas for 150%%", reply, err)
	}
}

// TestTheConversationShownIsTheOneThatThereIs runs the page's own worker, and holds each line of its transcript.
func TestTheConversationShownIsTheOneThatThereIs(t *testing.T) {
	page, dir := read(t, "docs/workers.md"), t.TempDir()
	transcript := fenced(page, "text")[0]
	if err := os.WriteFile(filepath.Join(dir, "metric.py"), []byte(fenced(page, "python")[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", "userlogic/python")
	t.Setenv("DIR", dir)
	opened, err := method.Open((&config.Method{Type: "worker", Timeout: 30_000, MaxReplyBytes: 1 << 20, Worker: &worker.Settings{
		Entrypoint: "/bin/sh", Command: []string{"-c", `tee $DIR/in | python3 $DIR/metric.py | tee $DIR/out`}, Concurrency: 1, StartTimeout: 30_000,
	}}).With("metric", slog.New(slog.DiscardHandler)), func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}
	asked := opened.Runner
	for _, match := range regexp.MustCompile(`(?m)"time":"(.*?)","document":(.*)}$`).FindAllStringSubmatch(transcript, -1) {
		at, err := time.Parse(time.RFC3339Nano, match[1])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = asked.Run(t.Context(), method.Whole([]byte(match[2])).At(at)) // the answer is in the transcript, also an error
	}
	asked.Close()
	for name, mark := range map[string]string{"in": "> ", "out": "< "} {
		said := strings.Join(regexp.MustCompile(`(?m)^`+mark+`.*\n`).FindAllString(transcript, -1), "")
		if got := regexp.MustCompile(`(?m)^.`).ReplaceAllString(read(t, filepath.Join(dir, name)), mark+"$0"); got != said {
			t.Errorf("it was\n%s\nand the page has\n%s", got, said)
		}
	}
}

// TestTheWorkerInGoShownWorks builds it, and asks it once.
func TestTheWorkerInGoShownWorks(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "worker")
	if err := os.WriteFile(source, []byte(fenced(read(t, "docs/workers.md"), "go")[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	if words, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("building it: %v\n%s", err, words)
	}
	command := exec.CommandContext(t.Context(), program)
	command.Stdin = strings.NewReader(`{"cpaWorker":{"versions":[1],"method":"evaluate"}}` + "\n" + `{"id":1,"document":{"metrics":[{},{}]}}` + "\n")
	answers, err := command.Output()
	if want := `{"cpaWorker":{"version":1}}` + "\n" + `{"id":1,"reply":{"targetReplicas":2}}` + "\n"; string(answers) != want || err != nil {
		t.Errorf("it answers %s, %v; want %s", answers, err, want)
	}
}

// TestTheDocumentsShownAreTheDocumentsSent reads each document on the pages with the type that it shows, where a key
// that the type does not have is an error.
func TestTheDocumentsShownAreTheDocumentsSent(t *testing.T) {
	for path, documents := range map[string][]any{
		"docs/user-logic.md": {
			&userlogic.MetricInput{}, &[]userlogic.ResourceMetric{}, &userlogic.EvaluateInput{}, &userlogic.Evaluation{}, &userlogic.ScaleInput{},
		},
		"docs/rest-api.md":           {&[]userlogic.ResourceMetric{}, &userlogic.RESTEvaluation{}, &[]userlogic.Decision{}, &userlogic.RESTError{}},
		"docs/kubernetes-metrics.md": {&userlogic.MetricInput{}, &userlogic.KubernetesMetric{}},
	} {
		blocks := fenced(read(t, path), "json")
		if len(blocks) != len(documents) {
			t.Fatalf("%s shows %d documents, want %d", path, len(blocks), len(documents))
		}
		for i, block := range blocks {
			decoder := json.NewDecoder(bytes.NewBufferString(block))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(documents[i]); err != nil {
				t.Errorf("%s, document %d as %T: %v", path, i+1, documents[i], err)
			}
		}
	}
}
