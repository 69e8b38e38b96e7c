package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestValuesAreShownWithTheirSources(t *testing.T) {
	got := load(t, `scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
metric:
  type: http
  http:
    method: post
    url: http://user:secret@metrics/queue?token=secret
    headers: {Authorization: secret, Accept: text}
    parameterMode: body
evaluate: {type: shell, shell: {command: ["-c", "echo 1"]}}
kubernetesMetricSpecs:
  - {type: External, external: {metric: {name: queue, selector: a=b}, target: {type: Value, value: 50m}}}
`, "maxReplicas=4")
	if got.err != nil {
		t.Fatal(got.err)
	}
	shown := map[string]Value{}
	for _, value := range got.Values() {
		shown[value.Key] = value
	}
	for _, want := range []Value{
		{"scaleTargetRef.kind", "Deployment", "line 1"},
		{"metric.http.method", "POST", "line 5"},
		{"metric.http.url", "http://metrics/queue", "line 6"},
		{"metric.http.headers", "Accept: ..., Authorization: ...", "line 7"},
		{"metric.http.successCodes", "[200]", "default"},
		{"metric.timeout", "5000", "default"},
		{"evaluate.shell.command", "2 arguments", "line 9"},
		{"kubernetesMetricSpecs[0].external.metric.selector", "a=b", "line 11"},
		{"kubernetesMetricSpecs[0].external.target.value", "50m", "line 11"},
		{"minReplicas", "1", "default"},
		{"maxReplicas", "4", "environment variable maxReplicas"},
		{"apiConfig.enabled", "true", "default"},
	} {
		got := shown[want.Key]
		if got.Value != want.Value || !strings.HasSuffix(got.Source, want.Source) {
			t.Errorf("%s: got %q from %q, want %q from %q", want.Key, got.Value, got.Source, want.Value, want.Source)
		}
	}
	for _, unset := range []string{"preMetric", "metric", "apiConfig.certFile", "metric.http.caCert", "kubernetesMetricSpecs[0].pods"} {
		if value, there := shown[unset]; there {
			t.Errorf("what is not set is shown: %v", value)
		}
	}
}

func TestLoadingStrictlyRefusesWhatNobodyReads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(complete(t, "minReplcas: 2")), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadStrictly(file, nil)
	if err == nil || !strings.Contains(err.Error(), "minReplcas: this key is not allowed: the autoscaler has none of this name; did you mean minReplicas?") {
		t.Errorf("got %v", err)
	}
	wantLines(t, "warnings", loaded.Warnings, nil)
}
