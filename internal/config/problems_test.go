package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each row: a file and an environment, and everything that is wrong with them, in the order of the keys.
func TestProblems(t *testing.T) {
	tests := map[string]struct {
		file    string
		environ []string
		want    []string
	}{
		"values of the wrong type, each with its line, and rules besides": {
			file: `
interval: abc
minReplicas: 1.5
runMode: [3]
startTime: 99999999999999999999
metric: [a]
evaluate: "type: http"
kubernetesMetricSpecs: {type: Resource}
requireKubernetesMetrics: "yes"
logVerbosity: -1
preScale:
  type: shell
  timeout: soon
  shell:
    command: ls`,
			want: []string{
				"metric: a list is not allowed: must be an object (config.yaml line 6)",
				"evaluate: text is not allowed: must be an object (config.yaml line 7)",
				"preScale.timeout: \"soon\" is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (config.yaml line 13)",
				"preScale.shell.command: text is not allowed: must be a list (config.yaml line 15)",
				"runMode: a list is not allowed: must be text (config.yaml line 4)",
				"interval: \"abc\" is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (config.yaml line 2)",
				"startTime: 99999999999999999999 is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (config.yaml line 5)",
				"minReplicas: 1.5 is not allowed: must be a whole number of up to 32 bits (config.yaml line 3)",
				"kubernetesMetricSpecs: an object is not allowed: must be a list (config.yaml line 8)",
				"requireKubernetesMetrics: \"yes\" is not allowed: must be true or false (config.yaml line 9)",
				"logVerbosity: -1 is not allowed: must be 0 or more (config.yaml line 10)",
			}},
		"a wrong value of the file, one of the environment over it, and a rule": {
			file: "interval: abc\nminReplicas: a", environ: []string{"interval=0", "minReplicas=b"},
			want: []string{
				"interval: \"abc\" is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (config.yaml line 1)",
				"interval: 0 is not allowed: must be more than 0 milliseconds, and at most 292 years, e.g. 15000 or 15s (environment variable interval)",
				"minReplicas: \"a\" is not allowed: must be a whole number of up to 32 bits (config.yaml line 2)",
				"minReplicas: \"b\" is not allowed: must be a whole number of up to 32 bits (environment variable minReplicas)",
			}},
		"a comparison says what it was compared to": {
			environ: []string{"minReplicas=20"},
			want:    []string{"maxReplicas: 10 is not allowed: must be at least minReplicas, which is 20 by environment variable minReplicas (default)"}},
		"a variable that is set but empty is refused": {
			environ: []string{"namespace=", "interval=", "requireKubernetesMetrics=", "preScale= "},
			want: []string{
				`namespace: "" is not allowed: must be a namespace's name: lower-case letters, digits and dashes, at most 63 (environment variable namespace)`,
				`preScale: "" is not allowed: must be an object (environment variable preScale)`,
				`interval: "" is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (environment variable interval)`,
				`requireKubernetesMetrics: "" is not allowed: must be true or false (environment variable requireKubernetesMetrics)`,
			}},
		"a variable that is not YAML": {
			environ: []string{`metric={"type":`},
			want:    []string{"metric: text is not allowed: parsing it as YAML or JSON: yaml: line 1: did not find expected node content (environment variable metric)"}},
		"what is missing inside an object is missing where the object is": {
			file: "preScale:\n  type: http\n  http:\n    method: GET\n    parameterMode: body",
			want: []string{"preScale.http.url: missing: where the request goes; must be an http or https URL with a host, e.g. http://metrics.default/queue (config.yaml line 3)"}},
		"hpa is for evaluate only": {
			file: "postScale: {type: hpa}",
			want: []string{`postScale.type: "hpa" is not allowed: must be shell, http or worker; hpa is for evaluate only (config.yaml line 1)`}},
		"hpa needs to know what to aim at": {
			file: "evaluate: {type: hpa}\nkubernetesMetricSpecs:\n- type: Resource\n  resource: {name: cpu, target: {type: Utilization}}\n- type: Pods\n  pods: {metric: {name: a}, target: {type: AverageValue, value: 3}}",
			want: []string{
				"kubernetesMetricSpecs[0].resource.target.averageUtilization: missing: required when evaluate is of the type hpa, which aims at it (config.yaml line 4)",
				"kubernetesMetricSpecs[1].pods.target.averageValue: missing: required when evaluate is of the type hpa, which aims at it (config.yaml line 6)",
			}},
		"a long value is cut": {
			file: "runMode: " + strings.Repeat("ä", 1000),
			want: []string{`runMode: "` + strings.Repeat("ä", 80) + `…" is not allowed: must be per-pod or per-resource (config.yaml line 1)`}},
		"a quantity that would take hours to read": {
			file: "kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageValue: \"1e-999999999\"}}}]",
			want: []string{`kubernetesMetricSpecs[0].resource.target.averageValue: "1e-999999999" is not allowed: must be a quantity, e.g. 250m or 64Mi (config.yaml line 1)`}},
		"a selector without matchLabels would select everything": {
			file: "kubernetesMetricSpecs: [{type: External, external: {metric: {name: a, selector: {queue: orders}}, target: {type: Value}}}]",
			want: []string{"kubernetesMetricSpecs[0].external.metric.selector.queue: a key of a label selector is not allowed: must be matchLabels or matchExpressions: to select by a label, write matchLabels: {queue: ...} (config.yaml line 1)"}},
		"a target that cannot be read is not missing, too": {
			file: "evaluate: {type: hpa}\nkubernetesMetricSpecs:\n- type: Resource\n  resource: {name: memory, target: {type: AverageValue, averageValue: 100MiB}}\n- type: Resource\n  resource: {name: cpu, target: {type: Utilization, averageUtilization: 50%}}\n- type: External\n  external: {metric: {name: a}, target: {type: Value, value: 1 GB}}",
			want: []string{
				`kubernetesMetricSpecs[0].resource.target.averageValue: "100MiB" is not allowed: must be a quantity, e.g. 250m or 64Mi (config.yaml line 4)`,
				`kubernetesMetricSpecs[1].resource.target.averageUtilization: "50%" is not allowed: must be a whole number of up to 32 bits (config.yaml line 6)`,
				`kubernetesMetricSpecs[2].external.target.value: "1 GB" is not allowed: must be a quantity, e.g. 250m or 64Mi (config.yaml line 8)`,
			}},
		"a span in another unit, and one of a part of the key's unit": {
			file: "interval: 15sec\ninitialReadinessDelay: 1500ms\nmetricTimeout: 100us\nstartTime: '15000'\ndownscaleStabilization: 8d",
			want: []string{
				`metricTimeout: "100us" is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (config.yaml line 3)`,
				`interval: "15sec" is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (config.yaml line 1)`,
				`startTime: "15000" is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (config.yaml line 4)`,
				`downscaleStabilization: "8d" is not allowed: must be a whole number of seconds, e.g. 300, or with its unit, e.g. 5m (config.yaml line 5)`,
				`initialReadinessDelay: "1500ms" is not allowed: must be a whole number of seconds, e.g. 300, or with its unit, e.g. 5m (config.yaml line 2)`,
			}},
		"numbers of the environment that are not whole, or beyond all bounds": {
			environ: []string{"startTime=1.5", "minReplicas=1e99", "maxReplicas=1e-3", "logVerbosity=1e999999999"},
			want: []string{
				`startTime: 1.5 is not allowed: must be a whole number of milliseconds, e.g. 15000, or with its unit, e.g. 15s (environment variable startTime)`,
				`minReplicas: 1e99 is not allowed: must be a whole number of up to 32 bits (environment variable minReplicas)`,
				`maxReplicas: 1e-3 is not allowed: must be a whole number of up to 32 bits (environment variable maxReplicas)`,
				`logVerbosity: "1e999999999" is not allowed: must be a whole number of up to 64 bits (environment variable logVerbosity)`,
			}},
		"a wrong quantity, and a wrong selector": {
			file: "kubernetesMetricSpecs:\n- type: Resource\n  resource:\n    name: cpu\n    target: {type: Utilization, averageValue: a lot}\n- type: Resource\n  resource: {name: cpu, target: {type: Utilization}}\n  pods: {metric: {selector: '==='}}",
			want: []string{
				`kubernetesMetricSpecs[0].resource.target.averageValue: "a lot" is not allowed: must be a quantity, e.g. 250m or 64Mi (config.yaml line 5)`,
				`kubernetesMetricSpecs[1].pods.metric.selector: "===" is not allowed: must be a label selector, e.g. queue=worker_tasks (config.yaml line 8)`,
			}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantLines(t, "problems", load(t, complete(t, test.file), test.environ...).problems, test.want)
		})
	}
}

// A file that cannot be used is one problem, and what it may well have set is not reported as missing.
func TestFilesThatCannotBeUsed(t *testing.T) {
	tests := map[string]struct{ file, want string }{
		"a list":                 {"- a", "must be an object: keys and their values"},
		"a scalar":               {"hello", "must be an object: keys and their values"},
		"not YAML":               {"interval: 5\nmetric: {", "parsing it as YAML or JSON: yaml: line 2: did not find expected node content"},
		"indented with tabs":     {"metric:\n\ttype: shell", "parsing it as YAML or JSON: yaml: line 2: found character that cannot start any token"},
		"a NUL byte":             {"interval: 5\x00", "parsing it as YAML or JSON: yaml: control characters are not allowed"},
		"two documents":          {"interval: 5\n---\ninterval: 6", "must be one document; another starts at line 2"},
		"larger than any needed": {"# " + strings.Repeat("a", 1<<20), "must be at most 1048576 bytes"},
		"an unknown alias":       {"metric: *nowhere", "parsing it as YAML or JSON: yaml: unknown anchor ... referenced"},
		"an alias of itself":     {"metric: &a {shell: *a}", "parsing it as YAML or JSON: error converting YAML to JSON: yaml: anchor 'a' value contains itself"},
		"a number JSON has not":  {"interval: .inf", "parsing it as YAML or JSON: error converting YAML to JSON: json: unsupported value: +Inf"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := load(t, test.file, "runMode=wrong")
			wantLines(t, "problems", got.problems, []string{"config.yaml: " + test.want,
				`runMode: "wrong" is not allowed: must be per-pod or per-resource (environment variable runMode)`})
		})
	}
	t.Run("a directory", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		wantLines(t, "problems", loadFile(t, folder, folder).problems, []string{"config.yaml: reading the file: is a directory"})
	})
	t.Run("a link that leads nowhere else", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.Symlink(link, link); err != nil {
			t.Fatal(err)
		}
		wantLines(t, "problems", loadFile(t, link, "").problems, []string{"config.yaml: opening the file: too many levels of symbolic links"})
	})
}

func TestAHeaderIsNeverShown(t *testing.T) {
	for _, secret := range []string{
		`headers: {Authorization: [secret]}`, `headers: "Authorization: secret"`, `headers: [secret]`,
		`headers: {"not a name": secret}`, `headers: {Authorization: "secret\nsecret"}`, `headers: {A: secret, A: secret}`,
		`haeders: {Authorization: secret}`,
	} {
		method := `{type: http, http: {method: G E T, url: http://a, parameterMode: body, ` + secret + `}}`
		for _, got := range []loaded{load(t, "metric: "+method), load(t, "", "metric="+method), load(t, "", "metric=- "+method), load(t, "", "metric={"+method)} {
			text := strings.Join(append(got.problems, got.Warnings...), "\n")
			if text == "" || strings.Contains(text, "secret") {
				t.Errorf("for %s:\n%s\nwant problems, without what the header says", secret, text)
			}
		}
	}
}

// What the on-call reads.
func TestTheWholeError(t *testing.T) {
	_, err := Load("", []string{"configPath=/nowhere/config.yaml", "metric={type: shell, shell: {}}", "evaluate={type: shell}", "interval=0"})
	want := `configuration has 3 problems:
  scaleTargetRef: missing: what is scaled: the object's apiVersion, kind and name; required, e.g. {apiVersion: apps/v1, kind: Deployment, name: web} (set it in /nowhere/config.yaml or as the environment variable scaleTargetRef)
  evaluate.shell: missing: the program to run; required when type is shell (environment variable evaluate)
  interval: 0 is not allowed: must be more than 0 milliseconds, and at most 292 years, e.g. 15000 or 15s (environment variable interval)
  (there is no file at /nowhere/config.yaml; only the environment was read)`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(existing), "interval", "5")
	f.Add([]byte("{\"interval\": 1e999, \"metric\": {}}"), "apiConfig", "{port: 1}")
	f.Add([]byte("a: &a [*a]\n<<: *a\n? [b]\n: c"), "metric", "&a {shell: *a}")
	f.Add([]byte("\xff\xfea\x00:\x00"), "kubernetesMetricSpecs", "- - -")
	f.Add([]byte("kubernetesMetricSpecs: [{type: Resource, resource: {target: {value: 1e9999999}}}]"), "namespace", "\xff")
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte, name, value string) {
		file := filepath.Join(folder, "config.yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := Load(file, []string{name + "=" + value})
		if again := loaded.Config.Validate(); err == nil && again != nil {
			t.Errorf("loaded, but %v", again)
		}
		if err != nil && err.Error() == "" {
			t.Error("an error without a word")
		}
	})
}
