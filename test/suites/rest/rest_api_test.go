package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestTheRESTAPIIsThatOfVersion2(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"per-resource":                            func(t *testing.T) { callsAreAnswered(t, "per-resource") },
		"per-pod":                                 func(t *testing.T) { callsAreAnswered(t, "per-pod") },
		"as version 2 answered":                   callsAreAnsweredAsRecorded,
		"a dry run leaves no trace":               aDryRunLeavesNoTrace,
		"a target at zero is left alone":          aTargetAtZeroIsLeftAlone,
		"a failure is told to the one who called": aFailureIsTold,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// callsAreAnswered has a loop that is not due: what happens is asked for.
func callsAreAnswered(t *testing.T, mode string) {
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{
		Config: typedBy(namespace) + "downscaleStabilization: 300\nmaxReplicas: 5\n", Files: typedFiles(4),
		Env: []string{"runMode=" + mode, "interval=3600000"},
	})
	p.Write("metric.reply", "7 \"µ\"\n")
	p.Serves()
	tellsMetrics(p, metricOf(t, namespace, mode))
	evaluatesAsAsked(p, namespace)
	if got := len(decisionsOf(p, "run_type=scaler")); got != 0 {
		t.Errorf("the loop made %d passes, want none", got)
	}
}

// callsAreAnsweredAsRecorded makes the calls one after another. An answer may have keys that version 2 did not have.
func callsAreAnsweredAsRecorded(t *testing.T) {
	var calls []struct {
		Call     string
		Evaluate int // what evaluate replies
		Status   int
		Answer   any
		Replicas *int32 // that there are then
	}
	text, err := os.ReadFile(filepath.Join("testdata", "recorded", "answers.json"))
	if err == nil {
		err = json.Unmarshal(text, &calls)
	}
	if err != nil {
		t.Fatal(err)
	}
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace) + "maxReplicas: 5\n", Files: typedFiles(0), Env: []string{"runMode=per-resource", "interval=3600000"}})
	p.Write("metric.reply", "7 \"µ\"\n")
	p.Serves()
	for _, row := range calls {
		p.Evaluates(row.Evaluate)
		method, path, _ := strings.Cut(row.Call, " ")
		got := p.Call(method, path)
		var document any
		got.Decode(t, &document)
		if recorded, ok := row.Answer.(map[string]any); ok {
			maps.DeleteFunc(document.(map[string]any), func(key string, _ any) bool { _, known := recorded[key]; return !known })
		}
		if got.Code != row.Status || !reflect.DeepEqual(document, row.Answer) {
			t.Errorf("%s:\n got %v\nwant %d %v", row.Call, got, row.Status, row.Answer)
		}
		if there := harness.Replicas(t, namespace); row.Replicas != nil && there != *row.Replicas {
			t.Errorf("%s: there are %d replicas, want %d", row.Call, there, *row.Replicas)
		}
	}
}

// metricOf is the resource that metrics are of: the target, or its pod.
func metricOf(t *testing.T, namespace, mode string) string {
	t.Helper()
	if mode == "per-resource" {
		return "web"
	}
	return harness.PodsOf(t, namespace, "web")[0].Name
}

func tellsMetrics(p *harness.Program, resource string) {
	p.Helper()
	metrics := fmt.Sprintf(`[{"resource":"%s","value":"7 \"µ\"\n"}]`, resource)
	for _, row := range []struct{ query, runType string }{
		{"", "api"}, {"?dry_run=false", "api"}, {"?dry_run=true", "api_dry_run"}, {"?dry_run=1&other=x", "api_dry_run"},
	} {
		wantAnswer(p.T, "metrics"+row.query, p.Call(http.MethodGet, "/api/v1/metrics"+row.query), 200, metrics)
		if runs := runsOf(p); runs[len(runs)-1] != "metric "+row.runType {
			p.Errorf("metrics%s: the last of %v is not metric with run type %s", row.query, runs, row.runType)
		}
	}
}

func evaluatesAsAsked(p *harness.Program, namespace string) {
	p.Helper()
	for _, row := range []struct {
		name, query string
		evaluates   int
		body        string
		replicas    int32 // that there are then
	}{
		{"a dry run scales nothing", "?dry_run=true", 3, `{"targetReplicas":3,"recommendation":3}`, 1},
		{"a call scales", "", 4, `{"targetReplicas":4,"recommendation":4}`, 4},
		{"a dry run is limited", "?dry_run=true", 99, `{"targetReplicas":5,"recommendation":99}`, 4},
		{"a dry run is stabilized", "?dry_run=true", 2, `{"targetReplicas":4,"recommendation":2}`, 4},
		{"a call is stabilized", "?dry_run=false", 2, `{"targetReplicas":4,"recommendation":2}`, 4},
		{"a call is limited", "", 99, `{"targetReplicas":5,"recommendation":99}`, 5},
	} {
		p.Evaluates(row.evaluates)
		wantAnswer(p.T, row.name, p.Call(http.MethodPost, "/api/v1/evaluation"+row.query), 200, row.body)
		if got := harness.Replicas(p.T, namespace); got != row.replicas {
			p.Errorf("%s: there are %d replicas, want %d", row.name, got, row.replicas)
		}
	}
}

// aDryRunLeavesNoTrace: if what is recommended to it were remembered, the loop would scale to that, within the window.
func aDryRunLeavesNoTrace(t *testing.T) {
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace) + "downscaleStabilization: 3600\n", Files: map[string]string{
		"typed": typed, "evaluate.api_dry_run.reply": `{"targetReplicas": 9}`, // and none for the loop yet, whose passes fail
	}})
	p.Serves()
	wantAnswer(t, "a dry run", p.Call(http.MethodPost, "/api/v1/evaluation?dry_run=true"), 200, `{"targetReplicas":9,"recommendation":9}`)
	p.Evaluates(2)
	harness.ScalesTo(t, namespace, 2)
}

func aTargetAtZeroIsLeftAlone(t *testing.T) {
	namespace := harness.Deploy(t, 0)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace) + "minReplicas: 1\n", Files: typedFiles(4)})
	p.Serves()
	for _, query := range []string{"", "?dry_run=true"} {
		wantAnswer(t, "metrics"+query, p.Call(http.MethodGet, "/api/v1/metrics"+query), 200, "[]")
		wantAnswer(t, "evaluation"+query, p.Call(http.MethodPost, "/api/v1/evaluation"+query), 200, `{"targetReplicas":0,"recommendation":0}`)
	}
	if runs := p.Read("runs"); runs != "" {
		t.Errorf("user logic was run:\n%s", runs)
	}
}

func aFailureIsTold(t *testing.T) {
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace), Files: typedFiles(1), Env: []string{
		"interval=3600000", `evaluate={type: shell, timeout: 20000, shell: {command: ["-c", "echo no queue >&2; exit 3"]}}`,
	}})
	p.Serves()
	for _, query := range []string{"", "?dry_run=true"} {
		wantAnswer(t, "evaluation"+query, p.Call(http.MethodPost, "/api/v1/evaluation"+query), 500, refused(500,
			`running evaluate (/bin/sh, 2 arguments): exit status 3, standard error ends: \"no queue\"`))
	}
	if got := harness.Replicas(t, namespace); got != 1 {
		t.Errorf("there are %d replicas, want 1 as before", got)
	}
}
