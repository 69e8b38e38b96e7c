package hpa

import (
	"fmt"
	"math"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// amount is a target that is a quantity, in thousandths as the metrics are.
type amount struct {
	milli int64
	of    func(milli int64) string // writes another value in the target's format: 150Mi, not 157286400
}

// amountOf reads the value that the target's type names.
func amountOf(target autoscalingv2.MetricTarget) (amount, error) {
	quantity, key := target.Value, "value"
	if target.Type == autoscalingv2.AverageValueMetricType {
		quantity, key = target.AverageValue, "averageValue"
	}
	if quantity == nil || quantity.Sign() <= 0 {
		return amount{}, fmt.Errorf("target.%s must be set and above 0", key)
	}
	milli := int64(math.MaxInt64)
	if quantity.AsApproximateFloat64()*1000 < math.MaxInt64 {
		milli = quantity.MilliValue()
	}
	return amount{milli, func(milli int64) string {
		other := quantity.DeepCopy()
		other.SetMilli(milli)
		return other.String()
	}}, nil
}

func (a amount) String() string { return a.of(a.milli) }

// ratio of a value to the amount; above 1 there are too few replicas.
func (a amount) ratio(milli int64) float64 { return float64(milli) / float64(a.milli) }
