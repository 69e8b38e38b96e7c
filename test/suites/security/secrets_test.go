package security

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// planted is a part of every credential in these tests.
const planted = "s3cr3t"

// leaks are the surfaces that show a credential, each with what stands around it.
func leaks(surfaces map[string]string) (found []string) {
	for name, text := range surfaces {
		if at := strings.Index(text, planted); at >= 0 {
			found = append(found, fmt.Sprintf("%s: ...%s", name, text[max(0, at-200):min(len(text), at+40)]))
		}
	}
	return found
}

// surfacesOf are all texts that a running autoscaler shows.
func surfacesOf(p *harness.Program, namespace string, c *harness.Collector) map[string]string {
	p.Helper()
	shown := map[string]string{}
	for _, call := range []string{
		"GET /api/v1/metrics?dry_run=true", "GET /api/v1/metrics", "POST /api/v1/evaluation?dry_run=true", "POST /api/v1/evaluation",
		"GET /api/v1/decisions", "GET /api/v1/decisions?format=text", "GET /api/v1/decisions/latest", "GET /healthz", "GET /readyz", "GET /metrics",
	} {
		method, path, _ := strings.Cut(call, " ")
		shown[call] = p.Call(method, path).Body
	}
	spans, of := c.Came()
	shown["traces"] = fmt.Sprint(spans, of)
	shown["events"] = harness.Kubectl(p.T, "", "get", "-n", namespace, "events", "-o", "json")
	shown["recording"] = p.Read("passes.jsonl")
	shown["log"] = p.Printed.String()
	return shown
}

// secretTarget is a Deployment with a credential wherever a pod template may have one.
func secretTarget(t *testing.T) (namespace string) {
	t.Helper()
	namespace = cluster.Start(t).Namespace(t)
	header := []corev1.HTTPHeader{{Name: "X-Api-Key", Value: "s3cr3t-probe"}}
	harness.CreateDeploymentOf(t, namespace, func(template *corev1.PodTemplateSpec) {
		template.Annotations = map[string]string{"example.com/token": "s3cr3t-annotation", "example.com/url": "https://u:s3cr3t@host/"}
		container := &template.Spec.Containers[0]
		container.Command = []string{"sh", "-c", "TOKEN=s3cr3t-command run s3cr3t-word"}
		container.Args = []string{"--password=s3cr3t-argument", "s3cr3t-alone"}
		container.Env = []corev1.EnvVar{{Name: "TOKEN", Value: "s3cr3t-env"}}
		container.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"s3cr3t-hook"}}}}
		container.StartupProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"s3cr3t-exec"}}}}
		container.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: "/live?key=s3cr3t-query", Port: intstr.FromInt32(80), HTTPHeaders: header,
		}}}
		init := *container.DeepCopy()
		init.Name, init.Lifecycle, init.StartupProbe, init.LivenessProbe = "init", nil, nil, nil
		template.Spec.InitContainers = []corev1.Container{init}
		template.Spec.Volumes = []corev1.Volume{{Name: "csi", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver: "example.com", VolumeAttributes: map[string]string{"any": "s3cr3t-csi"},
		}}}}
	})
	return namespace
}

// echo answers like a server that says in its errors all that it was sent.
func echo(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the caller is gone
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "http://u:s3cr3t@127.0.0.1:1/?token=s3cr3t", http.StatusTemporaryRedirect)
		case "/hang":
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusUnauthorized)
			user, password, _ := r.BasicAuth()
			fmt.Fprintf(w, "%s %s %s %q", r.URL, user, password, fmt.Sprint(r.Header))
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestSecurityNoSecretLeaksFromFailures(t *testing.T) {
	t.Parallel()
	namespace, address := secretTarget(t), echo(t)
	const login, query = "user:s3cr3t-password@", "?key=s3cr3t-key"
	call := func(url string) string {
		return `{type: http, timeout: 2000, http: {method: POST, parameterMode: body, url: "` + url +
			`", headers: {Authorization: "Bearer s3cr3t-bearer", X-Api-Key: s3cr3t-header, Cookie: "a=s3cr3t-cookie"}}}`
	}
	for _, row := range []struct{ name, metric, says string }{
		{"shell: exit status", `{type: shell, shell: {command: ["-c", "echo --password s3cr3t $API_TOKEN >&2; exit 3 # s3cr3t"]}}`, "exit status 3"},
		{"shell: timeout", `{type: shell, timeout: 50, shell: {command: ["-c", "sleep 100 # s3cr3t"]}}`, "no reply within its timeout"},
		{"shell: no program", `{type: shell, shell: {entrypoint: "/gone --token s3cr3t", command: ["s3cr3t"]}}`, "no such file or directory"},
		{"worker: exit status", `{type: worker, worker: {entrypoint: /bin/sh, command: ["-c", "echo TOKEN=s3cr3t $API_TOKEN >&2; exit 3 # s3cr3t"]}}`, "exit status 3"},
		{"worker: no program", `{type: worker, worker: {entrypoint: /gone, command: ["s3cr3t"]}}`, "no such file or directory"},
		{"http: status", call("http://" + login + address + "/" + query), "401 Unauthorized"},
		{"http: redirect", call("http://" + login + address + "/redirect" + query), "running metric (POST http://"},
		{"http: timeout", strings.Replace(call("http://"+login+address+"/hang"+query), "2000", "50", 1), "no reply within its timeout"},
		{"http: refused", call("http://" + login + "127.0.0.1:1/" + query), "connection refused"},
		{"http: no host", call("http://" + login + "no..such..host/" + query), "no such host"},
		{"http: TLS", call("https://" + login + address + "/" + query), "running metric (POST https://"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := harness.StartCollector(t, "")
			p := startSecretive(t, namespace, c, row.metric)
			p.Logs("pass failed, nothing was scaled", row.says)
			c.Pass(t, "a pass that fails", func(p harness.TracedPass) bool { return len(p.Failures()) > 0 })
			p.Eventually("a recording", func() (bool, error) { return p.Read("passes.jsonl") != "", nil })
			for _, leak := range leaks(surfacesOf(p, namespace, c)) {
				t.Error(leak)
			}
		})
	}
}

func TestSecurityNoSecretLeaksFromSuccess(t *testing.T) {
	t.Parallel()
	namespace, c := secretTarget(t), harness.StartCollector(t, "")
	p := startSecretive(t, namespace, c, `{type: shell, shell: {logStderr: true, command: ["-c", "cat > metric.part; mv metric.part metric.json; echo log in with $API_TOKEN >&2; echo 1 # s3cr3t"]}}`)
	p.Write("evaluate.reply", `{"targetReplicas": 2, "reason": "the token=s3cr3t"}`)
	harness.ScalesTo(t, namespace, 2)
	c.Pass(t, "a pass", func(p harness.TracedPass) bool { return len(p.Stages) > 0 })
	p.Eventually("a recording", func() (bool, error) { return strings.Contains(p.Read("passes.jsonl"), `"name":"TOKEN"`), nil })
	for _, leak := range leaks(surfacesOf(p, namespace, c)) {
		t.Error(leak)
	}
	if !strings.Contains(p.Read("metric.json"), "s3cr3t-env") {
		t.Error("user logic is not given the whole target")
	}
	a := harness.Author{T: t, Dir: p.Dir}
	for _, command := range [][]string{{"check", "--config", "config.yaml"}, {"check", "--config", "config.yaml", "-o", "json"}, {"replay", "passes.jsonl", "--config", "config.yaml"}} {
		out, words := a.RunsProgram(0, command...)
		for _, leak := range leaks(map[string]string{strings.Join(command, " "): out + words}) {
			t.Error(leak)
		}
	}
	out, words := a.Runs(0, cluster.Start(t).Kubeconfig(), "once", "-o", "json")
	for _, leak := range leaks(map[string]string{"once": out + words}) {
		t.Error(leak)
	}
}

// startSecretive starts the program as talkative as it can be.
func startSecretive(t *testing.T, namespace string, c *harness.Collector, metric string) *harness.Program {
	t.Helper()
	variables := func(command *exec.Cmd) {
		command.Env = append(command.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_EXPORTER_OTLP_HEADERS=x-key=s3cr3t-of-otel", "OTEL_BSP_SCHEDULE_DELAY=100",
			"API_TOKEN=s3cr3t-of-variable", "HTTPS_PROXY=", "HTTP_PROXY=")
	}
	config := strings.Replace(harness.BaseConfig(namespace), "metric:", "ignored:", 1) + "metric: " + metric + "\nlogVerbosity: 3\nrecord: {path: passes.jsonl, maxSize: 10Mi}\n"
	return harness.Start(t, harness.Options{Config: config, Files: harness.Replies(1), Around: variables})
}

// TestSecurityLeaksAreFound shows that the tests above can fail.
func TestSecurityLeaksAreFound(t *testing.T) {
	t.Parallel()
	if found := leaks(map[string]string{"clean": "***", "log": "a s3cr3t-b"}); len(found) != 1 || !strings.HasPrefix(found[0], "log: ...a s3cr3t-b") {
		t.Errorf("got %q", found)
	}
	namespace, c := secretTarget(t), harness.StartCollector(t, "")
	p := startSecretive(t, namespace, c, `{type: shell, shell: {command: ["-c", "echo s3cr3t-reply"]}}`) // which is passed on as it is
	p.Eventually("a recording", func() (bool, error) { return strings.Contains(p.Read("passes.jsonl"), "s3cr3t-reply"), nil })
	found := strings.Join(leaks(surfacesOf(p, namespace, c)), "\n")
	for _, surface := range []string{"log: ", "recording: ", "GET /api/v1/metrics: "} {
		if !strings.Contains(found, surface) {
			t.Errorf("that of %s is not found: %s", surface, found)
		}
	}
}

// secretObject is a CustomPodAutoscaler that the API server refuses, with values in what it says.
const secretObject = `
apiVersion: custompodautoscaler.com/v1
kind: CustomPodAutoscaler
metadata: {name: web-autoscaler}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  config: [{name: API_KEY, value: s3cr3t-config}]
  template:
    metadata: {annotations: {example.com/note: s3cr3t-annotation}}
    spec:
      containers:
        - name: autoscaler
          image: web:1
          args: [--password, s3cr3t-argument]
          %s
`

func TestSecurityNoSecretLeaksFromTheOperator(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{
		"a variable's name":      `env: [{name: "s3cr3t name=", value: s3cr3t-value}]`,
		"a number for text":      `env: [{name: A, value: {s3cr3t: s3cr3t-object}}]`,
		"a wrong source":         `env: [{name: A, value: s3cr3t-value, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]`,
		"a header":               `livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: "s3cr3t header", value: s3cr3t-value}]}}`,
		"an amount with a value": `env: [{name: A, valueFrom: {resourceFieldRef: {resource: "s3cr3t-resource"}}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := harness.Deploy(t, 1)
			operator := harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig(), "--log-json")
			harness.Kubectl(t, fmt.Sprintf(secretObject, field), "apply", "-n", namespace, "-f", "-")
			harness.HasCondition(t, namespace, "Ready False Refused", "")
			harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Warning Refused")
			status, err := json.Marshal(harness.ObjectOf(t, namespace).Status)
			if err != nil {
				t.Fatal(err)
			}
			for _, leak := range leaks(map[string]string{"status": string(status), "log": operator.Printed.String(), "events": fmt.Sprint(harness.Events(t, namespace))}) {
				t.Error(leak)
			}
		})
	}
}
