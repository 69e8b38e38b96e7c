package e2e

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
	namespace := deploy(t, 1)
	p := start(t, options{
		config: typedBy(namespace) + "downscaleStabilization: 300\nmaxReplicas: 5\n", files: typedFiles(4),
		env: []string{"runMode=" + mode, "interval=3600000"},
	})
	p.write("metric.reply", "7 \"µ\"\n")
	p.serves()
	p.tellsMetrics(metricOf(t, namespace, mode))
	p.evaluatesAsAsked(namespace)
	if got := len(p.decisions("run_type=scaler")); got != 0 {
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
	namespace := deploy(t, 1)
	p := start(t, options{config: typedBy(namespace) + "maxReplicas: 5\n", files: typedFiles(0), env: []string{"runMode=per-resource", "interval=3600000"}})
	p.write("metric.reply", "7 \"µ\"\n")
	p.serves()
	for _, row := range calls {
		p.evaluates(row.Evaluate)
		method, path, _ := strings.Cut(row.Call, " ")
		got := p.call(method, path)
		var document any
		got.decode(t, &document)
		if recorded, ok := row.Answer.(map[string]any); ok {
			maps.DeleteFunc(document.(map[string]any), func(key string, _ any) bool { _, known := recorded[key]; return !known })
		}
		if got.code != row.Status || !reflect.DeepEqual(document, row.Answer) {
			t.Errorf("%s:\n got %v\nwant %d %v", row.Call, got, row.Status, row.Answer)
		}
		if there := replicas(t, namespace); row.Replicas != nil && there != *row.Replicas {
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
	return podsOf(t, namespace, "web")[0].Name
}

func (p *program) tellsMetrics(resource string) {
	p.Helper()
	metrics := fmt.Sprintf(`[{"resource":"%s","value":"7 \"µ\"\n"}]`, resource)
	for _, row := range []struct{ query, runType string }{
		{"", "api"}, {"?dry_run=false", "api"}, {"?dry_run=true", "api_dry_run"}, {"?dry_run=1&other=x", "api_dry_run"},
	} {
		wantAnswer(p.T, "metrics"+row.query, p.call(http.MethodGet, "/api/v1/metrics"+row.query), 200, metrics)
		if runs := p.runs(); runs[len(runs)-1] != "metric "+row.runType {
			p.Errorf("metrics%s: the last of %v is not metric with run type %s", row.query, runs, row.runType)
		}
	}
}

func (p *program) evaluatesAsAsked(namespace string) {
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
		p.evaluates(row.evaluates)
		wantAnswer(p.T, row.name, p.call(http.MethodPost, "/api/v1/evaluation"+row.query), 200, row.body)
		if got := replicas(p.T, namespace); got != row.replicas {
			p.Errorf("%s: there are %d replicas, want %d", row.name, got, row.replicas)
		}
	}
}

// aDryRunLeavesNoTrace: if what is recommended to it were remembered, the loop would scale to that, within the window.
func aDryRunLeavesNoTrace(t *testing.T) {
	namespace := deploy(t, 1)
	p := start(t, options{config: typedBy(namespace) + "downscaleStabilization: 3600\n", files: map[string]string{
		"typed": typed, "evaluate.api_dry_run.reply": `{"targetReplicas": 9}`, // and none for the loop yet, whose passes fail
	}})
	p.serves()
	wantAnswer(t, "a dry run", p.call(http.MethodPost, "/api/v1/evaluation?dry_run=true"), 200, `{"targetReplicas":9,"recommendation":9}`)
	p.evaluates(2)
	scalesTo(t, namespace, 2)
}

func aTargetAtZeroIsLeftAlone(t *testing.T) {
	namespace := deploy(t, 0)
	p := start(t, options{config: typedBy(namespace) + "minReplicas: 1\n", files: typedFiles(4)})
	p.serves()
	for _, query := range []string{"", "?dry_run=true"} {
		wantAnswer(t, "metrics"+query, p.call(http.MethodGet, "/api/v1/metrics"+query), 200, "[]")
		wantAnswer(t, "evaluation"+query, p.call(http.MethodPost, "/api/v1/evaluation"+query), 200, `{"targetReplicas":0,"recommendation":0}`)
	}
	if runs := p.read("runs"); runs != "" {
		t.Errorf("user logic was run:\n%s", runs)
	}
}

func aFailureIsTold(t *testing.T) {
	namespace := deploy(t, 1)
	p := start(t, options{config: typedBy(namespace), files: typedFiles(1), env: []string{
		"interval=3600000", `evaluate={type: shell, timeout: 20000, shell: {command: ["-c", "echo no queue >&2; exit 3"]}}`,
	}})
	p.serves()
	for _, query := range []string{"", "?dry_run=true"} {
		wantAnswer(t, "evaluation"+query, p.call(http.MethodPost, "/api/v1/evaluation"+query), 500, refused(500,
			`running evaluate (/bin/sh, 2 arguments): exit status 3, standard error ends: \"no queue\"`))
	}
	if got := replicas(t, namespace); got != 1 {
		t.Errorf("there are %d replicas, want 1 as before", got)
	}
}
