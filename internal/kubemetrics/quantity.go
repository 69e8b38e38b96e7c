package kubemetrics

import (
	"math"

	"k8s.io/apimachinery/pkg/api/resource"
)

// maxMilli is the largest quantity that fits an int64 of thousandths.
var maxMilli = resource.NewMilliQuantity(math.MaxInt64, resource.DecimalSI)

// milli is the quantity in thousandths, held at the largest number there is.
func milli(quantity resource.Quantity) int64 {
	if quantity.Cmp(*maxMilli) > 0 {
		return math.MaxInt64
	}
	return quantity.MilliValue()
}

// add sums two numbers, held at the largest there is.
func add(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
