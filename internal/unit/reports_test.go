package unit

import (
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/worker"
)

func TestTheLongestSilenceLeavesRoomForEveryTimeout(t *testing.T) {
	for _, row := range []struct {
		name     string
		runMode  string
		atATime  int
		together span.Milliseconds
		api      bool
		want     time.Duration
	}{
		{"three intervals of 15 s, metric of 5 s, evaluate of 2 s, a call of 10 s", config.PerResource, 1, 0, false, 62 * time.Second},
		{"metric runs for each of at most 10 pods, one after another", config.PerPod, 1, 0, false, 107 * time.Second},
		{"four at a time", config.PerPod, 4, 0, false, 72 * time.Second},
		{"with a time for all of them", config.PerPod, 4, 7000, false, 64 * time.Second},
		{"with a time for all that no run can take", config.PerResource, 1, 60000, false, 62 * time.Second},
		{"a caller's pass may come before", config.PerResource, 1, 0, true, 79 * time.Second},
	} {
		settings := config.Default()
		settings.RunMode, settings.APIConfig.Enabled, settings.MetricConcurrency, settings.MetricTimeout = row.runMode, row.api, row.atATime, row.together
		settings.Metric, settings.Evaluate = &config.Method{Timeout: 5_000}, &config.Method{Timeout: 2_000}
		if got := longestSilence(settings); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

func TestTheLongestSilenceLeavesRoomForTheStartOfAWorker(t *testing.T) {
	settings := config.Default()
	settings.Metric = &config.Method{Type: "worker", Timeout: 5_000, Worker: &worker.Settings{Concurrency: 5, StartTimeout: 30_000}}
	settings.Evaluate = &config.Method{Type: "worker", Timeout: 2_000, Worker: &worker.Settings{StartTimeout: 20_000}}
	if got, want := longestSilence(settings), 189*time.Second; got != want { // 45 s + 2 * (10 s + 2 * 5 s + 30 s + 22 s)
		t.Errorf("got %s, want %s", got, want)
	}
}
