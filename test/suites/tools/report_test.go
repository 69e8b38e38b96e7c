package tools

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestTheReportDrawsItsCharts in a real browser: a line for each value, and a pass where somebody points at it.
func TestTheReportDrawsItsCharts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	harness.WriteFile(t, filepath.Join(dir, "config.yaml"), `
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
evaluate: {type: hpa}
`)
	command := exec.Command(harness.Build(t, harness.PlainFlags...), "simulate", "--config", "config.yaml", "--load", "wave:low=50,high=500,period=1h", "--report", "report.html")
	command.Dir, command.Env = dir, os.Environ()
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	page := harness.ReadFile(t, filepath.Join(dir, "report.html"))
	if strings.Contains(page, "http://www.w3.org/2000/svg") && strings.Count(page, "://") > 1 {
		t.Error("the page asks for something of the network")
	}
	const point = `<script>document.querySelector("svg").dispatchEvent(new PointerEvent("pointermove", {clientX: 500}))</script>`
	document, complaints := harness.Browsed(t, page+point)
	if complaints != "" {
		t.Errorf("the page's scripts complain:\n%s", complaints)
	}
	lines := regexp.MustCompile(`<path d="M[^"]{200,}"[^>]*data-series="(\w+)"`).FindAllStringSubmatch(document, -1)
	var drawn []string
	for _, line := range lines {
		drawn = append(drawn, line[1])
	}
	if got := strings.Join(drawn, " "); got != "load capacity recommended current desired utilization backlog" {
		t.Errorf("the page draws %s", got)
	}
	if !regexp.MustCompile(`<output>00:\d\d:\d\d +load \d+[^<]*\ncurrent \d+, recommended \d+, desired \d+\nDesiredWithinRange`).MatchString(document) {
		t.Errorf("pointing at a chart shows %s", regexp.MustCompile(`<output>[^<]*`).FindString(document))
	}

	document, complaints = harness.Browsed(t, strings.Replace(page, "select(0);", "select(-1);", 1)) // the checks above can fail
	if complaints == "" || strings.Contains(document, "<path") {
		t.Error("a page with a mistake draws its charts, and nobody complains")
	}
}
