package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/shell"
)

// An autoscaler as they have been written for years, python and all.
const existing = `evaluate:
  type: "shell"
  timeout: 2500
  shell:
    entrypoint: "python"
    command:
      - "/evaluate.py"
metric:
  type: "shell"
  timeout: 2500
  shell:
    entrypoint: "python"
    command:
      - "/metric.py"
    logStderr: true
kubernetesMetricSpecs:
  - type: Resource
    resource:
      name: cpu
      target:
        type: Utilization
requireKubernetesMetrics: true
runMode: "per-resource"
downscaleStabilization: 200
startTime: 60000
logVerbosity: 3
apiConfig:
  enabled: true
  useHTTPS: false
  port: 5001
  host: "0.0.0.0"
`

func TestAnExistingConfigurationKeepsWorking(t *testing.T) {
	got := load(t, existing,
		// As the operator sets them: the reference as JSON, and every value of the object's config as text.
		`scaleTargetRef={"kind":"Deployment","name":"flask-metric","apiVersion":"apps/v1"}`,
		"namespace=shop", "interval=10000", "minReplicas=0", "MY_OWN_SETTING=5", "PATH=/bin")
	if got.err != nil {
		t.Fatal(got.err)
	}
	wantLines(t, "warnings", got.Warnings, nil)

	want := Default()
	want.ScaleTargetRef = &autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "flask-metric", APIVersion: "apps/v1"}
	want.Namespace = "shop"
	want.Interval, want.StartTime = 10_000, 60_000
	want.MinReplicas = 0
	want.Metric = &Method{Type: "shell", Timeout: 2500, MaxReplyBytes: 1 << 20,
		Shell: &shell.Settings{Entrypoint: "python", Command: []string{"/metric.py"}, LogStderr: true}}
	want.Evaluate = &Method{Type: "shell", Timeout: 2500, MaxReplyBytes: 1 << 20,
		Shell: &shell.Settings{Entrypoint: "python", Command: []string{"/evaluate.py"}}}
	want.KubernetesMetricSpecs = []autoscalingv2.MetricSpec{{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{
		Name: "cpu", Target: autoscalingv2.MetricTarget{Type: "Utilization"}}}}
	want.RequireKubernetesMetrics = true
	want.RunMode = PerResource
	want.DownscaleStabilization = 200
	want.LogVerbosity = 3
	want.APIConfig.Port = 5001
	if !reflect.DeepEqual(got.Config, want) {
		t.Errorf("got  %+v\nwant %+v", got.Config, want)
	}
}

func TestWhatIsLeftOutIsTheDefault(t *testing.T) {
	got := load(t, complete(t, `
preMetric: {type: http, http: {method: GET, url: "http://hook", parameterMode: query}}
apiConfig: {}
`))
	if got.err != nil {
		t.Fatal(got.err)
	}
	want := map[string]string{
		"namespace": `"default"`, "runMode": `"per-pod"`, "interval": "15000", "startTime": "1", "minReplicas": "1",
		"maxReplicas": "10", "downscaleStabilization": "0", "kubernetesMetricSpecs": "null",
		"requireKubernetesMetrics": "false", "initialReadinessDelay": "30", "cpuInitializationPeriod": "300",
		"requestTimeout": "10000", "logVerbosity": "0", "postScale": "null",
		"apiConfig.enabled": "true", "apiConfig.useHTTPS": "false", "apiConfig.port": "5000",
		"apiConfig.host": `"0.0.0.0"`, "apiConfig.certFile": `""`, "apiConfig.keyFile": `""`,
		"metric.timeout": "5000", "metric.maxReplyBytes": "1048576", "metric.shell.entrypoint": `"/bin/sh"`,
		"metric.shell.logStderr": "false", "preMetric.http.successCodes": "[200]", "preMetric.timeout": "5000",
	}
	for key, value := range want {
		if text, _ := json.Marshal(rule.Field(&got.Config, key).Interface()); string(text) != value {
			t.Errorf("%s is %s, want %s", key, text, value)
		}
		if source := got.Source(key); source != "default" {
			t.Errorf("%s comes from %s, want the default", key, source)
		}
	}
}

// Each row: a piece of a file and an environment, and what is found under a key.
func TestReading(t *testing.T) {
	tests := map[string]struct {
		file    string
		environ []string
		key     string
		want    string
		source  string
	}{
		"the file is read over the defaults": {
			file: "interval: 2000", key: "interval", want: "2000", source: "config.yaml line 1"},
		"the environment is read over the file": {
			file: "interval: 2000", environ: []string{"interval=3000"},
			key: "interval", want: "3000", source: "environment variable interval"},
		"a variable in another case is not a key": {
			file: "interval: 2000", environ: []string{"INTERVAL=3000"},
			key: "interval", want: "2000", source: "config.yaml line 1"},
		"JSON is read as YAML is": {
			file: "{\n\t\"interval\": 2000,\n\t\"runMode\": \"per-resource\"\n}", key: "runMode", want: `"per-resource"`, source: "config.yaml line 3"},
		"a variable is read in base ten": {
			environ: []string{"interval= 010 "}, key: "interval", want: "10", source: "environment variable interval"},
		"a boolean variable is YAML, in the words of YAML 1.1": {
			environ: []string{"requireKubernetesMetrics=yes"}, key: "requireKubernetesMetrics", want: "true", source: "environment variable requireKubernetesMetrics"},
		"a boolean of a file is, too": {
			file: "requireKubernetesMetrics: on", key: "requireKubernetesMetrics", want: "true", source: "config.yaml line 1"},
		"a text variable is taken as it is": {
			environ: []string{"namespace=123"}, key: "namespace", want: `"123"`, source: "environment variable namespace"},
		"the value of a variable may have an equals sign": {
			environ: []string{`preScale={type: shell, shell: {command: ["a=b"]}}`},
			key:     "preScale.shell.command", want: `["a=b"]`, source: "environment variable preScale"},
		"a number is text where text is wanted": {
			file: "preScale: {type: shell, shell: {command: [-p, 8080, 1.5, true, null]}}",
			key:  "preScale.shell.command", want: `["-p","8080","1.5","true",""]`, source: "config.yaml line 1"},
		"apiConfig of the environment is merged over the file's": {
			file: "apiConfig:\n  port: 80\n  host: localhost", environ: []string{"apiConfig={port: 90}"},
			key: "apiConfig", want: `{"enabled":true,"useHTTPS":false,"port":90,"probePort":0,"host":"localhost","certFile":"","keyFile":"","authentication":"kubernetes","metricsAuthentication":false,"accessPrefix":"/custom-pod-autoscaler","maxRequests":500,"decisions":100}`,
			source: "environment variable apiConfig"},
		"a merged key keeps its line": {
			file: "apiConfig:\n  port: 80\n  host: localhost", environ: []string{"apiConfig={port: 90}"},
			key: "apiConfig.host", want: `"localhost"`, source: "config.yaml line 3"},
		"a method of the environment replaces the file's": {
			file: "preScale:\n  type: shell\n  timeout: 7\n  shell: {logStderr: true}", environ: []string{"preScale={type: shell, shell: {}}"},
			key: "preScale.timeout", want: "5000", source: "default"},
		"null in the environment takes a hook away": {
			file: "preScale: {type: shell, shell: {}}", environ: []string{"preScale=null"},
			key: "preScale", want: "null", source: "environment variable preScale"},
		"null in the file leaves the default": {
			file: "interval: null\nrunMode:", key: "interval", want: "15000", source: "default"},
		"a span with its unit": {
			file: "interval: 1m30s", key: "interval", want: "90000", source: "config.yaml line 1"},
		"a span in seconds with its unit": {
			environ: []string{"downscaleStabilization= 5m "}, key: "downscaleStabilization", want: "300", source: "environment variable downscaleStabilization"},
		"a large number as Helm writes it": {
			environ: []string{"startTime=3.6e+06"}, key: "startTime", want: "3600000", source: "environment variable startTime"},
		"a large number as Helm writes it into a file": {
			file: "startTime: 3.6e+06", key: "startTime", want: "3600000", source: "config.yaml line 1"},
		"a whole number with a point": {
			environ: []string{"interval=60000.0", "minReplicas=4.0", "maxReplicas=1e1"}, key: "maxReplicas", want: "10", source: "environment variable maxReplicas"},
		"a number with a zero before it is in base ten": {
			environ: []string{"maxReplicas=010"}, key: "maxReplicas", want: "10", source: "environment variable maxReplicas"},
		"a key in another case is read": {
			file: "INTERVAL: 5", key: "interval", want: "5", source: "config.yaml line 1"},
		"an alias is read, and stands where its anchor does": {
			file: "preScale: &hook\n  type: shell\n  timeout: 9\n  shell: {}\npostScale: *hook",
			key:  "postScale.timeout", want: "9", source: "config.yaml line 3"},
		"a merge key is read, and stands where it is": {
			file: "preScale: &hook\n  type: shell\n  timeout: 9\n  shell: {}\npostScale:\n  <<: *hook\n  type: shell",
			key:  "postScale.timeout", want: "9", source: "config.yaml line 5"},
		"a byte order mark is not part of the first key": {
			file: "\ufeffinterval: 5", key: "interval", want: "5", source: "config.yaml line 1"},
		"empty documents do not count": {
			file: "---\ninterval: 5\n---\n# nothing\n", key: "interval", want: "5", source: "config.yaml line 2"},
		"a quantity is read": {
			file: "kubernetesMetricSpecs:\n- type: Resource\n  resource: {name: memory, target: {type: AverageValue, averageValue: 64Mi}}",
			key:  "kubernetesMetricSpecs", source: "config.yaml line 1",
			want: `[{"type":"Resource","resource":{"name":"memory","target":{"type":"AverageValue","averageValue":"64Mi"}}}]`},
		"an HTTP method may be in any case": {
			file: "preScale: {type: http, http: {method: get, url: 'http://hook', parameterMode: body}}",
			key:  "preScale.http.method", want: `"GET"`, source: "config.yaml line 1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			piece := test.file
			if !strings.HasPrefix(piece, "{") && !strings.Contains(piece, "---") {
				piece = complete(t, piece)
			}
			got := load(t, piece, append(test.environ,
				"scaleTargetRef={apiVersion: v1, kind: ReplicationController, name: web}",
				"metric={type: shell, shell: {}}", "evaluate={type: shell, shell: {}}")...)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if text, _ := json.Marshal(rule.Field(&got.Config, test.key).Interface()); string(text) != test.want {
				t.Errorf("%s is %s, want %s", test.key, text, test.want)
			}
			if source := got.Source(test.key); !strings.HasSuffix(source, test.source) {
				t.Errorf("%s comes from %q, want %q", test.key, source, test.source)
			}
		})
	}
}

const hpaOfCPU = "evaluate: {type: hpa}\nkubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]"

func TestTheWindowOfHPA(t *testing.T) {
	for name, row := range map[string]struct {
		file, variable, source string
		want                   span.Seconds
	}{
		"that of a HorizontalPodAutoscaler, where nobody sets one": {hpaOfCPU, "", "default", 300},
		"nothing, where that is written out":                       {hpaOfCPU + "\ndownscaleStabilization: 0", "", "config.yaml line 3", 0},
		"left out by null":                                         {hpaOfCPU + "\ndownscaleStabilization: null", "", "default", 300},
		"another one":                                              {hpaOfCPU, "downscaleStabilization=60", "environment variable downscaleStabilization", 60},
		"nothing, for logic of one's own":                          {"minReplicas: 1", "", "default", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := load(t, complete(t, row.file), row.variable)
			source := got.Source("downscaleStabilization")
			if got.err != nil || got.Config.DownscaleStabilization != row.want || !strings.HasSuffix(source, row.source) {
				t.Errorf("got %d s from %s, %v", got.Config.DownscaleStabilization, source, got.err)
			}
		})
	}
}

// Keys that version 2 did not have are also the names of people's own variables.
func TestAVariableThatIsNotMeantForTheAutoscalerIsIgnored(t *testing.T) {
	for variable, want := range map[string]string{
		"record=true":                  `record is a key of the autoscaler, and true is no value of it (must be an object)`,
		"record={maxSize: 5}":          "record is a key of the autoscaler, and this is no value of it",
		"logFormat=pretty":             `logFormat is a key of the autoscaler, and "pretty" is no value of it (must be text or json)`,
		"requestTimeout=soon":          `requestTimeout is a key of the autoscaler, and "soon" is no value of it (must be a whole number of milliseconds`,
		"requestTimeout=0":             "requestTimeout is a key of the autoscaler, and 0 is no value of it (must be more than 0 milliseconds",
		"podMetrics=cpu":               `podMetrics is a key of the autoscaler, and "cpu" is no value of it (must be all or own)`,
		"metricTimeout=-1":             "metricTimeout is a key of the autoscaler, and -1 is no value of it",
		"metricConcurrency=many":       `metricConcurrency is a key of the autoscaler, and "many" is no value of it`,
		"leaderElection=maybe":         `leaderElection is a key of the autoscaler, and "maybe" is no value of it (must be true or false)`,
		"customPodAutoscaler=mine":     "customPodAutoscaler is a key of the autoscaler, and text is no value of it (must be an object)",
		"customPodAutoscaler={\"uid\"": "customPodAutoscaler is a key of the autoscaler, and text is no value of it (parsing it as YAML or JSON",
	} {
		t.Run(variable, func(t *testing.T) {
			got := load(t, complete(t, "requestTimeout: 30s"), variable)
			if got.err != nil {
				t.Fatal(got.err)
			}
			name, _, _ := strings.Cut(variable, "=")
			if len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], "environment variable "+name+": "+want) ||
				!strings.HasSuffix(got.Warnings[0], "so that the variable is ignored: give yours another name if it is not meant for the autoscaler") {
				t.Errorf("got the warnings %q, want %q", got.Warnings, want)
			}
			if got.Config.RequestTimeout != 30_000 || got.Config.Record != nil || got.Config.LogFormat != LogText || !got.Config.LeaderElection {
				t.Errorf("got %+v", got.Config)
			}
		})
	}
	for variable, key := range map[string]string{"requestTimeout=40s": "requestTimeout", "logFormat=json": "logFormat", "record={path: /x}": "record"} {
		if got := load(t, complete(t, ""), variable); got.err != nil || len(got.Warnings) > 0 || got.Source(key) != "environment variable "+key {
			t.Errorf("%s: got %v, %q, from %s", variable, got.err, got.Warnings, got.Source(key))
		}
	}
}

func TestAKeyOfTodayThatIsSpeltAsInV2beta1(t *testing.T) {
	for spec, want := range map[string]string{
		"{type: Resource, resource: {name: cpu, targetAverageUtilization: 50, target: {type: Utilization}}}":                           "kubernetesMetricSpecs[0].resource.targetAverageUtilization is not a key of the autoscaler, and is ignored: that is how autoscaling/v2beta1 spelt it; in autoscaling/v2 it is target: {type: Utilization, averageUtilization: ...}",
		"{type: Pods, pods: {metricName: a, metric: {name: a}, target: {type: AverageValue}}}":                                         "pods.metricName is not a key of the autoscaler, and is ignored: that is how autoscaling/v2beta1 spelt it; in autoscaling/v2 it is metric: {name: ...}",
		"{type: External, external: {metricSelector: {}, metric: {name: a}, target: {type: Value}}}":                                   "it is metric: {selector: ...}",
		"{type: Object, object: {describedObject: {kind: Service, name: a}, metric: {name: a}, target: {type: Value, kind: Service}}}": "it is describedObject: {apiVersion: ..., kind: ..., name: ...}",
	} {
		got := load(t, complete(t, "kubernetesMetricSpecs: ["+spec+"]"))
		if got.err != nil || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], want) {
			t.Errorf("%s: got %v, %q, want %q", spec, got.err, got.Warnings, want)
		}
	}
}

func TestASelectorMayBeText(t *testing.T) {
	got := load(t, complete(t, "kubernetesMetricSpecs: [{type: External, external: {metric: {name: depth, selector: 'queue=worker_tasks'}}}]"))
	selector := got.Config.KubernetesMetricSpecs[0].External.Metric.Selector
	if selector == nil || selector.MatchLabels["queue"] != "worker_tasks" {
		t.Errorf("the selector is %v, want queue=worker_tasks", selector)
	}
}

func TestWarnings(t *testing.T) {
	tests := map[string]struct {
		file    string
		environ string
		want    []string
	}{
		"an unknown key of the file, with the nearest known one": {
			file: "intervall: 5",
			want: []string{"config.yaml line 1: intervall is not a key of the autoscaler, and is ignored; did you mean interval?"}},
		"nothing is suggested for what is near nothing": {
			file: "myOwnSetting: {a: 1}",
			want: []string{"config.yaml line 1: myOwnSetting is not a key of the autoscaler, and is ignored"}},
		"unknown keys at any depth": {
			file: `
preScale:
  type: shell
  tiemout: 5
  shell:
    entrypont: sh
apiConfig:
  prot: 5000
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web, nam: web}
kubernetesMetricSpecs:
- type: Resource
  resource:
    name: cpu
    target: {type: Utilization, averageUtilisation: 50}`,
			want: []string{
				"config.yaml line 4: preScale.tiemout is not a key of the autoscaler, and is ignored; did you mean timeout?",
				"config.yaml line 6: preScale.shell.entrypont is not a key of the autoscaler, and is ignored; did you mean entrypoint?",
				"config.yaml line 8: apiConfig.prot is not a key of the autoscaler, and is ignored; did you mean port?",
				"config.yaml line 9: scaleTargetRef.nam is not a key of the autoscaler, and is ignored; did you mean name?",
				"config.yaml line 14: kubernetesMetricSpecs[0].resource.target.averageUtilisation is not a key of the autoscaler, and is ignored; did you mean averageUtilization?",
			}},
		"an unknown key inside a variable": {
			environ: "apiConfig={hots: localhost}",
			want:    []string{"environment variable apiConfig: apiConfig.hots is not a key of the autoscaler, and is ignored; did you mean host?"}},
		"variables that are not keys are nobody's business": {
			environ: "intervall=5"},
		"a key in another case": {
			file: "preScale: {TYPE: shell, shell: {}}",
			want: []string{"config.yaml line 1: preScale.TYPE is read as type, which is how it is spelt"}},
		"a key that is set twice, in any spelling": {
			file: "interval: 5\npreScale: {type: shell, timeout: 1, timeout: 2, shell: {}}\nInterval: 6\ninterval: 7",
			want: []string{
				"config.yaml line 2: preScale.timeout is set again, over config.yaml line 2",
				"config.yaml line 3: Interval is read as interval, which is how it is spelt",
				"config.yaml line 3: interval is set again, over config.yaml line 1",
				"config.yaml line 4: interval is set again, over config.yaml line 3",
			}},
		"headers have any name": {
			file: "preScale: {type: http, http: {method: GET, url: 'http://hook', parameterMode: body, headers: {X-Any: a}}}"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := load(t, complete(t, test.file), test.environ)
			if got.err != nil {
				t.Fatal(got.err)
			}
			wantLines(t, "warnings", got.Warnings, test.want)
		})
	}
}

// The file that a flag names must be there; another may not be, for the environment can be a whole configuration.
func TestWhichFile(t *testing.T) {
	whole := []string{"scaleTargetRef={apiVersion: apps/v1, kind: Deployment, name: web}",
		"metric={type: shell, shell: {}}", "evaluate={type: shell, shell: {}}"}
	folder := t.TempDir()
	there, absent := filepath.Join(folder, "config.yaml"), filepath.Join(folder, "absent.yaml")
	if err := os.WriteFile(there, []byte("interval: 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		flag, variable string
		environ        []string
		interval       span.Milliseconds
		problems       []string
		warnings       []string
		note           string
	}{
		"the one that configPath names": {
			variable: there, environ: whole, interval: 7},
		"the flag's before configPath's": {
			flag: there, variable: absent, environ: whole, interval: 7},
		"the flag's must be there": {
			flag: absent, variable: there, environ: whole, interval: 15_000,
			problems: []string{"absent.yaml: opening the file: no such file or directory"}},
		"configPath's may be absent, which is worth a warning": {
			variable: absent, environ: whole, interval: 15_000,
			warnings: []string{"there is no file at absent.yaml; only the environment was read: the environment variable configPath names it"}},
		"an absent file is mentioned with the problems": {
			variable: absent, environ: append(whole, "interval=0"), interval: 0,
			warnings: []string{"there is no file at absent.yaml; only the environment was read: the environment variable configPath names it"},
			problems: []string{"interval: 0 is not allowed: must be more than 0 milliseconds, and at most 292 years, e.g. 15000 or 15s (environment variable interval)"},
			note:     "there is no file at absent.yaml; only the environment was read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := loadFile(t, test.variable, test.flag, test.environ...)
			wantLines(t, "problems", got.problems, test.problems)
			wantLines(t, "warnings", got.Warnings, test.warnings)
			if got.Config.Interval != test.interval || got.note != test.note {
				t.Errorf("interval %d, note %q; want %d, %q", got.Config.Interval, got.note, test.interval, test.note)
			}
		})
	}
}

func TestNearestName(t *testing.T) {
	for written, want := range map[string]string{
		"metrik": "metric", "entrypoints": "", "maxReplica": "maxReplicas", "Min_Replicas": "minReplicas",
		"kubernetesMetrics": "kubernetesMetricSpecs", "": "", "x": "", "downscaleStabilisation": "downscaleStabilization",
	} {
		got := decode.Suggestion(written, rule.FieldNames(reflect.TypeFor[Config]()))
		if want != "" {
			want = "; did you mean " + want + "?"
		}
		if got != want {
			t.Errorf("for %q: %q, want %q", written, got, want)
		}
	}
}

func TestEveryFieldIsAKey(t *testing.T) {
	for _, table := range tables() {
		var named []string
		for _, row := range table.rows {
			field, _, _ := strings.Cut(row.name, ".")
			named = append(named, field)
		}
		slices.Sort(named)
		named = slices.Compact(named)
		if fields := rule.FieldNames(table.of); !slices.Equal(slices.Sorted(slices.Values(fields)), named) {
			t.Errorf("the keys of a %v are %v, its fields are %v", table.of, named, fields)
		}
	}
}

func TestAFileFullOfUnknownKeys(t *testing.T) {
	file := complete(t, "minReplicas: 2") + "\n"
	for i := range 1000 {
		file += fmt.Sprintf("key%d: 1\n", i)
	}
	got := load(t, file)
	if got.err != nil || len(got.Warnings) != decode.MostUnknownKeys+1 || got.Warnings[decode.MostUnknownKeys] != "900 more keys are not keys of the autoscaler, and are ignored" {
		t.Errorf("got %v and %d warnings, the last %q", got.err, len(got.Warnings), got.Warnings[len(got.Warnings)-1:])
	}
}
