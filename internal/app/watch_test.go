package app

import (
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
)

func TestTheLongestSilenceLeavesRoomForEveryTimeout(t *testing.T) {
	for _, row := range []struct {
		name    string
		runMode string
		api     bool
		want    time.Duration
	}{
		{"three intervals of 15 s, metric of 5 s, evaluate of 2 s, a call of 10 s", config.PerResource, false, 62 * time.Second},
		{"metric runs for each of at most 10 pods", config.PerPod, false, 107 * time.Second},
		{"a caller's pass may come before", config.PerResource, true, 79 * time.Second},
	} {
		settings := config.Default()
		settings.RunMode, settings.APIConfig.Enabled = row.runMode, row.api
		settings.Metric, settings.Evaluate = &config.Method{Timeout: 5_000}, &config.Method{Timeout: 2_000}
		if got := longestSilence(settings); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}
