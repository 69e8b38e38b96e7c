package userlogic

import "math"

// Total is the sum of the pods' values, in thousandths.
func (m ResourceMetrics) Total() int64 { return total(m.PodMetricsInfo) }

// Average is the mean of the pods' values, in thousandths; 0 where no pod was measured.
func (m ResourceMetrics) Average() int64 { return average(m.PodMetricsInfo) }

// Utilization is what the measured pods use in percent of what they request. It is not known where they request
// nothing, or where the requests were not asked for (the target type is AverageValue).
func (m ResourceMetrics) Utilization() (percent int64, known bool) {
	var used, requested float64
	for pod, metric := range m.PodMetricsInfo {
		used += float64(metric.Value)
		requested += float64(m.Requests[pod])
	}
	if requested == 0 {
		return 0, false
	}
	return int64(math.Min(100*used/requested, math.MaxInt64/2)), true
}

// Total is the sum of the pods' values, in thousandths.
func (m PodsMetrics) Total() int64 { return total(m.PodMetricsInfo) }

// Average is the mean of the pods' values, in thousandths; 0 where no pod was measured.
func (m PodsMetrics) Average() int64 { return average(m.PodMetricsInfo) }

// Amount is the value, whatever the target's type, in thousandths.
func (m SingleMetric) Amount() int64 {
	switch {
	case m.Current.Value != nil:
		return *m.Current.Value
	case m.Current.AverageValue != nil:
		return *m.Current.AverageValue
	}
	return 0
}

// total is held at the largest number there is.
func total(pods map[string]PodMetric) int64 {
	var sum int64
	for _, metric := range pods {
		if metric.Value > 0 && sum > math.MaxInt64-metric.Value {
			return math.MaxInt64
		}
		sum += metric.Value
	}
	return sum
}

func average(pods map[string]PodMetric) int64 {
	if len(pods) == 0 {
		return 0
	}
	return total(pods) / int64(len(pods))
}
