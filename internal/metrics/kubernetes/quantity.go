package kubernetes

import (
	"math"

	"k8s.io/apimachinery/pkg/api/resource"
)

// The largest and the smallest quantity that fit an int64 of thousandths.
var (
	maxMilli = resource.NewMilliQuantity(math.MaxInt64, resource.DecimalSI)
	minMilli = resource.NewMilliQuantity(math.MinInt64, resource.DecimalSI)
)

// milli is the quantity in thousandths, held between the smallest and the largest number there is.
func milli(quantity resource.Quantity) int64 {
	switch {
	case quantity.Cmp(*maxMilli) > 0:
		return math.MaxInt64
	case quantity.Cmp(*minMilli) < 0:
		return math.MinInt64
	}
	return quantity.MilliValue()
}

// add sums two numbers, held between the smallest and the largest there is.
func add(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}
