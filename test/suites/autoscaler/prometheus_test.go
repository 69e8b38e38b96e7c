package autoscaler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

const (
	seriesPage    = harness.Root + "/docs/metrics.md"
	dashboardFile = harness.Root + "/docs/dashboards/custom-pod-autoscaler.json"
)

// debian finds a program of Debian's package prometheus.
func debian(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("install Prometheus: apt-get install prometheus (%v)", err)
	}
	return path
}

// yamlOnThePage are the two blocks of the page: how to scrape, and the alerts.
func yamlOnThePage(t *testing.T) (scrape, alerts string) {
	t.Helper()
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(harness.ReadFile(t, seriesPage), -1)
	if len(blocks) != 2 {
		t.Fatalf("%s has %d blocks of YAML, want how to scrape, and the alerts", seriesPage, len(blocks))
	}
	return blocks[0][1], blocks[1][1]
}

// knownPods is what Kubernetes tells Prometheus of a pod of the operator, and of another.
const knownPods = `static_configs:
      - targets: [ours]
        labels: {__meta_kubernetes_namespace: %s, __meta_kubernetes_pod_name: web, __meta_kubernetes_pod_ip: 127.0.0.1,
                 __meta_kubernetes_pod_label_app_kubernetes_io_managed_by: custom-pod-autoscaler-operator}
      - targets: [another]
        labels: {__meta_kubernetes_namespace: %[1]s, __meta_kubernetes_pod_name: other, __meta_kubernetes_pod_ip: 127.0.0.1}`

// scraping is how the page has Prometheus scrape, but for the port, and for how it finds pods: Debian's is built without
// Kubernetes.
func scraping(t *testing.T, namespace string, port int) string {
	t.Helper()
	text, _ := yamlOnThePage(t)
	for old, changed := range map[string]string{
		"kubernetes_sd_configs: [{role: pod}]": fmt.Sprintf(knownPods, namespace),
		`"$1:5000"`:                            fmt.Sprintf(`"$1:%d"`, port),
	} {
		if strings.Count(text, old) != 1 {
			t.Fatalf("%s does not have %s once", seriesPage, old)
		}
		text = strings.Replace(text, old, changed, 1)
	}
	return "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [alerts.yml]\n" + text
}

// prometheus is a Prometheus that scrapes the program.
type prometheus struct{ url string }

// startPrometheus starts one with the page's configuration, and ends it with the test.
func startPrometheus(t *testing.T, namespace string, port int) prometheus {
	t.Helper()
	dir, address := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	_, alerts := yamlOnThePage(t)
	harness.WriteFile(t, filepath.Join(dir, "alerts.yml"), alerts)
	harness.WriteFile(t, filepath.Join(dir, "prometheus.yml"), scraping(t, namespace, port))
	command := exec.Command(debian(t, "prometheus"), "--config.file", filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address)
	log := &harness.LockedBuffer{}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end(t, command)
		if t.Failed() {
			t.Logf("Prometheus' log:\n%s", log)
		}
	})
	return prometheus{"http://" + address}
}

// end ends a process that was started, by force if it takes long.
func end(t *testing.T, command *exec.Cmd) {
	t.Helper()
	force := time.AfterFunc(harness.Patience, func() { _ = command.Process.Kill() })
	defer force.Stop()
	_ = command.Process.Signal(syscall.SIGTERM)
	if err := command.Wait(); err != nil {
		t.Errorf("%s did not end well: %v", command.Path, err)
	}
}

// query gives the values that PromQL has now, by their labels.
func (s prometheus) query(t *testing.T, promQL string) (map[string]float64, error) {
	t.Helper()
	a, err := harness.CallBy(t, http.DefaultClient, http.MethodGet, s.url+"/api/v1/query?query="+url.QueryEscape(promQL), "")
	if err != nil {
		return nil, err
	}
	var reply struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any // the time, and the value as text
			}
		}
	}
	if err := json.Unmarshal([]byte(a.Body), &reply); err != nil || a.Code != http.StatusOK {
		return nil, fmt.Errorf("%s: %d %s %w", promQL, a.Code, reply.Error, err)
	}
	values := map[string]float64{}
	for _, series := range reply.Data.Result {
		value, err := strconv.ParseFloat(fmt.Sprint(series.Value[1]), 64)
		if err != nil {
			return nil, err
		}
		values[harness.InJSON(series.Metric)] = value
	}
	return values, nil
}

// answers waits until PromQL has a value that is a number. A comparison has one just where it is true.
func (s prometheus) answers(t *testing.T, promQL string) {
	t.Helper()
	harness.Eventually(t, promQL, func() (bool, error) {
		values, err := s.query(t, promQL)
		if err != nil {
			return false, err
		}
		for _, value := range values {
			if !math.IsNaN(value) {
				return true, nil
			}
		}
		return false, fmt.Errorf("got %v", values)
	})
}

// fragile is a hook that fails while there is a file broken.
const fragile = "#!/bin/sh\ntest ! -e broken\n"

// limited has a hook that can be broken, a maximum, and a Kubernetes metric that there is not.
func limited(namespace string) string {
	return harness.BaseConfig(namespace) + `
preMetric: {type: shell, timeout: 20000, shell: {entrypoint: ./fragile}}
maxReplicas: 4
` + harness.MetricSpecs("{type: External, external: {metric: {name: no-such-metric}, target: {type: Value}}}")
}

func TestPrometheusScrapesIt(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: limited(namespace), Files: map[string]string{"evaluate.reply": `{"targetReplicas": 1}`, "fragile": fragile}})
	s := startPrometheus(t, namespace, p.Port)
	for _, act := range story(p, namespace) {
		act.do()
		for _, then := range act.then {
			s.answers(t, strings.ReplaceAll(then, "cpa_", "custom_pod_autoscaler_"))
		}
	}
	t.Run("each family of the page is there", func(t *testing.T) { s.hasThePage(t) })
	t.Run("the dashboard shows what is served", func(t *testing.T) { s.showsTheDashboard(t) })
}

// act is something that is done, and what Prometheus says of it in the end.
type act struct {
	do   func()
	then []string
}

func story(p *harness.Program, namespace string) []act {
	return []act{
		{func() {}, []string{
			`up{job="custom-pod-autoscaler", namespace="` + namespace + `", pod="web"} == 1`, `count(up) == 1`,
			`cpa_info{target_kind="Deployment", target_name="web", target_namespace="` + namespace + `"} == 1`,
			`cpa_min_replicas == 1`, `cpa_max_replicas == 4`, `cpa_current_replicas == 1`, `cpa_desired_replicas == 1`,
			`sum(cpa_scaling_limited) == 0`, `cpa_passes_total{result="scaled"} == 0`,
			`increase(cpa_passes_total{run_type="scaler", result="kept"}[1m]) > 0`,
			`increase(cpa_kubernetes_metric_errors_total{spec="kubernetesMetricSpecs[0]", metric="External no-such-metric"}[1m]) > 0`,
			`cpa_last_successful_pass_age_seconds < 3`,
		}},
		{func() { p.Evaluates(9) }, []string{
			`cpa_recommended_replicas == 9`, `cpa_desired_replicas == 4`, `cpa_current_replicas == 4`,
			`cpa_scaling_limited{reason="TooManyReplicas"} == 1`, `sum(cpa_scaling_limited) == 1`,
			`ALERTS{alertname="AutoscalerAtItsLimit", alertstate="pending"} == 1`, `absent(ALERTS{alertname="AutoscalerDoesNotScale"}) == 1`,
			`increase(cpa_passes_total{run_type="scaler", result="scaled"}[1m]) > 0`,
		}},
		{func() { p.Write("broken", "") }, []string{
			`increase(cpa_passes_total{run_type="scaler", result="failed"}[1m]) > 0`,
			`increase(cpa_method_runs_total{method="preMetric", type="shell", result="failed"}[1m]) > 0`,
			`cpa_last_successful_pass_age_seconds > 5`, `cpa_current_replicas == 4`,
		}},
		{func() {
			mend(p)
			p.Call(http.MethodPost, "/api/v1/evaluation?dry_run=true")
			p.Call(http.MethodGet, "/nowhere")
		}, []string{
			`cpa_last_successful_pass_age_seconds < 3`, `cpa_passes_total{run_type="api_dry_run", result="proposed"} == 1`,
			`cpa_http_requests_total{path="/metrics", code="200"} > 1`, `cpa_http_requests_total{path="other", code="404"} == 1`,
		}},
	}
}

// mend lets the hook succeed again, and waits until it has.
func mend(p *harness.Program) {
	p.Helper()
	if err := os.Remove(filepath.Join(p.Dir, "broken")); err != nil {
		p.Fatal(err)
	}
	p.Passes("evaluate", 1)
}

var familyHeading = regexp.MustCompile(`(?m)^## (custom_pod_autoscaler_\w+)\n\n.* A (\w+)\.$`)

// hasThePage holds that each family on the page has samples.
func (s prometheus) hasThePage(t *testing.T) {
	families := familyHeading.FindAllStringSubmatch(harness.ReadFile(t, seriesPage), -1)
	if len(families) == 0 {
		t.Fatalf("no series on %s", seriesPage)
	}
	for _, family := range families {
		suffixes := []string{""}
		if family[2] == "histogram" {
			suffixes = []string{"_bucket", "_sum", "_count"}
		}
		for _, suffix := range suffixes {
			s.answers(t, family[1]+suffix)
		}
	}
}

// showsTheDashboard holds that each query of each panel has an answer, and that each variable has something to choose.
func (s prometheus) showsTheDashboard(t *testing.T) {
	var dashboard struct {
		Panels     []struct{ Targets []struct{ Expr string } }
		Templating struct{ List []struct{ Query any } }
	}
	if err := json.Unmarshal([]byte(harness.ReadFile(t, dashboardFile)), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			s.answers(t, chosen(target.Expr))
		}
	}
	choice := regexp.MustCompile(`label_values\((.*), (\w+)\)`)
	for _, variable := range dashboard.Templating.List {
		for _, match := range choice.FindAllStringSubmatch(fmt.Sprint(variable.Query), -1) {
			values, err := s.query(t, chosen(match[1]))
			if !strings.Contains(fmt.Sprint(values), strconv.Quote(match[2])+":") {
				t.Errorf("%s has no values: %v, %v", match[0], values, err)
			}
		}
	}
}

// chosen is a query as Grafana asks it: for all that there is, of the last while.
func chosen(query string) string {
	query = regexp.MustCompile(`=~?"\$\w+"`).ReplaceAllString(query, `=~".*"`)
	return strings.ReplaceAll(query, "$__rate_interval", "15s")
}

// promtool runs Prometheus' tool, and gives what it says and its exit code.
func promtool(t *testing.T, stdin string, arguments ...string) (string, int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), debian(t, "promtool"), arguments...)
	command.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	var exited *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exited) {
		t.Fatal(err)
	}
	return out.String(), command.ProcessState.ExitCode()
}

func TestPromtoolFindsNothingToSay(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: limited(namespace), Files: map[string]string{"evaluate.reply": `{"targetReplicas": 9}`, "fragile": fragile}})
	p.Serves()
	p.Passes("evaluate", 2) // of which the first has been counted
	if words, code := promtool(t, p.Call(http.MethodGet, "/metrics").Body+"\n", "check", "metrics"); words != "" || code != 0 {
		t.Errorf("of /metrics it says, with the exit code %d:\n%s", code, words)
	}
	dir := t.TempDir()
	_, alerts := yamlOnThePage(t)
	harness.WriteFile(t, filepath.Join(dir, "alerts.yml"), alerts)
	harness.WriteFile(t, filepath.Join(dir, "prometheus.yml"), scraping(t, namespace, 5000))
	for _, row := range []struct{ subject, file string }{{"rules", "alerts.yml"}, {"config", "prometheus.yml"}} {
		if words, code := promtool(t, "", "check", row.subject, "--lint=all", "--lint-fatal", filepath.Join(dir, row.file)); code != 0 {
			t.Errorf("of the %s on the page it says, with the exit code %d:\n%s", row.subject, code, words)
		}
	}
}
