package userlogic_test

import (
	"math"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

func TestValues(t *testing.T) {
	pods := func(values ...int64) map[string]userlogic.PodMetric {
		info := map[string]userlogic.PodMetric{}
		for i, value := range values {
			info[string(rune('a'+i))] = userlogic.PodMetric{Value: value}
		}
		return info
	}
	requests := map[string]int64{"a": 200, "b": 200, "unmeasured": 1000}
	for _, row := range []struct {
		name           string
		pods           map[string]userlogic.PodMetric
		requests       map[string]int64
		total, average int64
		percent        int64
		known          bool
	}{
		{"two pods", pods(100, 200), requests, 300, 150, 75, true},
		{"no pods", pods(), requests, 0, 0, 0, false},
		{"no requests", pods(100), nil, 100, 100, 0, false},
		{"requests of nothing", pods(100), map[string]int64{"a": 0}, 100, 100, 0, false},
		{"more than there are numbers", pods(math.MaxInt64, math.MaxInt64), nil, math.MaxInt64, math.MaxInt64 / 2, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			metric := userlogic.ResourceMetrics{PodMetricsInfo: row.pods, Requests: row.requests}
			percent, known := metric.Utilization()
			if metric.Total() != row.total || metric.Average() != row.average || percent != row.percent || known != row.known {
				t.Errorf("got total %d, average %d, utilization %d (%t)", metric.Total(), metric.Average(), percent, known)
			}
			if same := (userlogic.PodsMetrics{PodMetricsInfo: row.pods}); same.Total() != row.total || same.Average() != row.average {
				t.Errorf("of a Pods metric: got total %d, average %d", same.Total(), same.Average())
			}
		})
	}
	seven := int64(7)
	for _, current := range []userlogic.CurrentValue{{Value: &seven}, {AverageValue: &seven}} {
		if got := (userlogic.SingleMetric{Current: current}).Amount(); got != 7 {
			t.Errorf("got %d", got)
		}
	}
	if got := (userlogic.SingleMetric{}).Amount(); got != 0 {
		t.Errorf("got %d of nothing", got)
	}
}
