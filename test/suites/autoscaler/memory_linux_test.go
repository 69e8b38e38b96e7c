package autoscaler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestMemoryIsSmall holds the program, as users have it, to how much memory it ever has after ten passes. Not
// parallel: hundreds of pods keep the cluster busy.
func TestMemoryIsSmall(t *testing.T) {
	few, many := harness.Deploy(t, 10), harness.Deploy(t, 500)
	harness.PodsAreMeasured(t, few, "web", 10)
	harness.PodsAreMeasured(t, many, "web", 500)
	for _, row := range []struct {
		namespace, mode string
		pods, most      int // MiB
	}{
		{few, "per-resource", 10, 36},
		{few, "per-pod", 10, 36},
		{many, "per-resource", 500, 45},
	} {
		t.Run(fmt.Sprintf("%d pods, %s", row.pods, row.mode), func(t *testing.T) {
			p := harness.Start(t, harness.Options{
				Config: harness.BaseConfig(row.namespace) + cpuAndMemory, Flags: harness.PlainFlags,
				Env: []string{
					"runMode=" + row.mode, "maxReplicas=500", "logVerbosity=1", "requireKubernetesMetrics=true",
					`metric={type: shell, shell: {command: ["-c", "cat > /dev/null; echo 1"]}}`,
					fmt.Sprintf(`evaluate={type: shell, shell: {command: ["-c", "cat > /dev/null; echo '{\"targetReplicas\": %d}'"]}}`, row.pods),
				},
			})
			p.Eventually("ten passes", func() (bool, error) { return strings.Count(p.Printed.String(), "kept replicas") >= 10, nil })
			now, peak := p.ResidentKiB()
			t.Logf("resident memory after ten passes: %.1f MiB, at most %.1f MiB", float64(now)/1024, float64(peak)/1024)
			if peak > row.most*1024 {
				t.Errorf("it had %.1f MiB, want at most %d", float64(peak)/1024, row.most)
			}
		})
	}
}
