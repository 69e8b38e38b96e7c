package report

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

var cpu = metrics.ID{Key: "kubernetesMetricSpecs[0]", Type: "Resource", Name: "Resource cpu"}

// counted are the metrics after some passes.
func counted(t *testing.T, passes ...pass.Pass) (*telemetry.Metrics, *Series) {
	t.Helper()
	all := NewMetrics([]string{"http", "shell", "worker"}, func() float64 { return 7 }, nil)
	series := NewSeries(all, decision.Rules{Min: 2, Max: 5}, map[string]string{"metric": "shell"}, []metrics.ID{cpu})
	for _, pass := range passes {
		series.Pass(t.Context(), pass)
	}
	return all, series
}

// wantSeries compares those of the names with lines of the exposition format.
func wantSeries(t *testing.T, metrics *telemetry.Metrics, want string, names ...string) {
	t.Helper()
	for i, name := range names {
		names[i] = "custom_pod_autoscaler_" + name
	}
	var lines strings.Builder
	for _, family := range metrics.Families {
		for line := range strings.Lines(want) {
			if words := strings.TrimSpace(line); strings.HasPrefix(words, family.Name+"{") || strings.HasPrefix(words, family.Name+" ") {
				if !strings.Contains(lines.String(), "# TYPE "+family.Name+" ") {
					fmt.Fprintf(&lines, "# HELP %s %s\n# TYPE %s %s\n", family.Name, family.Help, family.Name, family.Kind)
				}
				lines.WriteString(words + "\n")
			}
		}
	}
	if err := testutil.GatherAndCompare(metrics.Registry, strings.NewReader(lines.String()), names...); err != nil {
		t.Error(err)
	}
}

func TestPassesAreCounted(t *testing.T) {
	missing := decidedOn(2, 3, 3)
	missing.MetricsProblem = &metrics.Error{Of: 1, Failed: []metrics.SourceError{{ID: cpu, Err: errors.New("none")}}}
	dry := as(userlogic.APIDryRun, decidedOn(3, 9, 9))
	metrics, _ := counted(t, decidedOn(2, 2, 2), missing, missing, failedWith(errors.New("broken")), dry)
	wantSeries(t, metrics, `
		custom_pod_autoscaler_passes_total{result="disabled",run_type="api"} 0
		custom_pod_autoscaler_passes_total{result="disabled",run_type="api_dry_run"} 0
		custom_pod_autoscaler_passes_total{result="disabled",run_type="scaler"} 0
		custom_pod_autoscaler_passes_total{result="failed",run_type="api"} 0
		custom_pod_autoscaler_passes_total{result="failed",run_type="api_dry_run"} 0
		custom_pod_autoscaler_passes_total{result="failed",run_type="scaler"} 1
		custom_pod_autoscaler_passes_total{result="kept",run_type="api"} 0
		custom_pod_autoscaler_passes_total{result="kept",run_type="scaler"} 1
		custom_pod_autoscaler_passes_total{result="proposed",run_type="api_dry_run"} 1
		custom_pod_autoscaler_passes_total{result="scaled",run_type="api"} 0
		custom_pod_autoscaler_passes_total{result="scaled",run_type="scaler"} 2
		custom_pod_autoscaler_kubernetes_metric_errors_total{metric="Resource cpu",spec="kubernetesMetricSpecs[0]"} 2
		custom_pod_autoscaler_last_successful_pass_age_seconds 7
	`, "passes_total", "kubernetes_metric_errors_total", "last_successful_pass_age_seconds")
}

func TestTheLastDecisionIsShown(t *testing.T) {
	limited := decidedOn(2, 9, 5, decision.Step{Reason: decision.TooManyReplicas}, decision.Step{Reason: decision.ScaleDownStabilized})
	metrics, _ := counted(t, limited, as(userlogic.APIDryRun, decidedOn(1, 1, 1)))
	wantSeries(t, metrics, `
		custom_pod_autoscaler_current_replicas 2
		custom_pod_autoscaler_recommended_replicas 9
		custom_pod_autoscaler_desired_replicas 5
		custom_pod_autoscaler_min_replicas 2
		custom_pod_autoscaler_max_replicas 5
		custom_pod_autoscaler_scaling_limited{reason="ScaleDownStabilized"} 1
		custom_pod_autoscaler_scaling_limited{reason="ScalingDisabled"} 0
		custom_pod_autoscaler_scaling_limited{reason="TooFewReplicas"} 0
		custom_pod_autoscaler_scaling_limited{reason="TooManyReplicas"} 1
	`, "current_replicas", "recommended_replicas", "desired_replicas", "min_replicas", "max_replicas", "scaling_limited")
}

func TestBeforeTheFirstDecisionThereAreNoReplicas(t *testing.T) {
	metrics, _ := counted(t, failedWith(errors.New("broken")))
	wantSeries(t, metrics, "", "current_replicas", "recommended_replicas", "desired_replicas", "scaling_limited")
}

func TestNobodyIsAskedWhereScalingIsDisabled(t *testing.T) {
	metrics, _ := counted(t, decidedOn(2, 9, 5), decidedOn(0, 0, 0, decision.Disabled().Chain...))
	wantSeries(t, metrics, "custom_pod_autoscaler_desired_replicas 0", "recommended_replicas", "desired_replicas")
}

func TestRunsOfMethodsAreCounted(t *testing.T) {
	metrics, series := counted(t)
	for _, err := range []error{nil, errors.New("exit status 1"), fmt.Errorf("running: %w", &method.TimeoutError{Timeout: time.Second})} {
		series.Ran(method.Run{Name: "metric", Type: "shell", Took: time.Second, Err: err})
	}
	wantSeries(t, metrics, `
		custom_pod_autoscaler_method_runs_total{method="metric",result="abandoned",type="shell"} 0
custom_pod_autoscaler_method_runs_total{method="metric",result="failed",type="shell"} 1
		custom_pod_autoscaler_method_runs_total{method="metric",result="succeeded",type="shell"} 1
		custom_pod_autoscaler_method_runs_total{method="metric",result="timeout",type="shell"} 1
	`, "method_runs_total")
}

// everySeries has at least one of each family.
func everySeries(t *testing.T) *telemetry.Metrics {
	t.Helper()
	limited := decidedOn(2, 9, 5, decision.Step{Reason: decision.TooManyReplicas})
	for _, name := range pass.StageNames() {
		limited.Stages = append(limited.Stages, pass.Stage{Name: name, Took: time.Second})
	}
	metrics, series := counted(t, limited)
	series.Ran(method.Run{Name: "metric", Type: "shell", Took: time.Second})
	metrics.Info.WithLabelValues("v3", "Deployment", "shop", "web").Set(1)
	metrics.Requests.WithLabelValues("/healthz", "200").Inc()
	return metrics
}

func TestNamesFollowTheConventions(t *testing.T) {
	metrics := everySeries(t)
	problems, err := testutil.GatherAndLint(metrics.Registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	for _, family := range metrics.Families {
		if n, err := testutil.GatherAndCount(metrics.Registry, family.Name); n == 0 || err != nil {
			t.Errorf("%s is not served: %v", family.Name, err)
		}
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if n, err := testutil.GatherAndCount(telemetry.NewProcess(), name); n != 1 || err != nil {
			t.Errorf("%s is not served: %v", name, err)
		}
	}
}

const page = "../../docs/metrics.md"

var update = flag.Bool("update", false, "write docs/metrics.md")

//go:embed metrics.md.tmpl
var words string

// reference is docs/metrics.md as it should be.
func reference(t *testing.T, families []telemetry.Family) string {
	t.Helper()
	var text strings.Builder
	if err := template.Must(template.New("page").Parse(words)).Execute(&text, families); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestReferenceIsUpToDate(t *testing.T) {
	want := reference(t, everySeries(t).Families)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(page); err != nil || string(text) != want {
		t.Errorf("docs/metrics.md is stale: run `make update-docs` (%v)", err)
	}
}

// A check that cannot fail is none.
func TestAStaleReferenceIsNoticed(t *testing.T) {
	families := everySeries(t).Families
	want := reference(t, families)
	families[1].Labels[0].Meaning += " "
	if reference(t, families) == want {
		t.Error("a changed label does not change the page")
	}
	if reference(t, families[1:]) == want {
		t.Error("a series less does not change the page")
	}
}
