package unit

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/shell"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// holds are what a process has of what can run out.
type holds struct {
	heap, goroutines, files int
}

func held(t *testing.T) holds {
	t.Helper()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return holds{int(memory.HeapAlloc), runtime.NumGoroutine(), len(files)}
}

// TestADayLeavesNothingBehind: 5,760 passes, with a program of the user's in each, under a load that comes and goes.
func TestADayLeavesNothingBehind(t *testing.T) {
	settings := config.Default()
	settings.ScaleTargetRef = &autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	settings.RunMode, settings.MaxReplicas, settings.DownscaleStabilization = config.PerResource, 20, 300
	settings.Metric = &config.Method{Type: "shell", Timeout: 20_000, MaxReplyBytes: 1 << 20, Shell: &shell.Settings{Entrypoint: "/bin/echo", Command: []string{"fine"}}}
	settings.Evaluate = &config.Method{Type: "hpa"}
	utilization := int32(60)
	settings.KubernetesMetricSpecs = []autoscalingv2.MetricSpec{{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{
		Name: "cpu", Target: autoscalingv2.MetricTarget{Type: "Utilization", AverageUtilization: &utilization},
	}}}

	simulated := simulation.Default()
	simulated.Duration.Duration = 24 * time.Hour
	simulated.Pods.Crashes.Duration = simulated.Duration.Duration / 10
	for _, text := range []string{"wave:low=50,high=900,period=6h", "noise:high=50"} {
		part, err := load.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		simulated.Load = append(simulated.Load, part)
	}
	world, err := simulation.NewWorld(simulated)
	if err != nil {
		t.Fatal(err)
	}
	cluster := &simulation.Cluster{World: world, Target: *settings.ScaleTargetRef, Namespace: settings.Namespace}
	pipeline, err := NewPipeline(settings, Place{Connection: cluster.Config(), World: cluster, Now: world.Now}, slog.New(slog.DiscardHandler), func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}

	var before holds
	passes := 0
	_, err = simulation.Run(t.Context(), "day", world, settings.Interval.Duration(), func(ctx context.Context) pass.Pass {
		if passes++; passes == 240 { // an hour, in which all is made that is made once
			before = held(t)
		}
		pass, err := pipeline.RunOnce(ctx, nil, userlogic.Scaler)
		if err != nil {
			t.Fatal(err)
		}
		return pass
	}, func(string, simulation.Row) {})
	if err != nil || passes != 5760 {
		t.Fatalf("got %d passes, %v", passes, err)
	}
	after := held(t)
	t.Logf("after an hour there are %+v, after a day %+v", before, after)
	const kept = 4 << 20 // the simulation itself keeps a row of each pass
	if after.heap > before.heap+kept || after.goroutines > before.goroutines || after.files > before.files {
		t.Errorf("after an hour there are %+v, after a day %+v", before, after)
	}
}
