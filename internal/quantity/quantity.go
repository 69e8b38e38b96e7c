// Package quantity reads the quantities of Kubernetes that anybody may have written.
//
// Text comes in; a quantity, or the reason why it is none, goes out. It exists because the parser of Kubernetes has no bound: of
// 1e-999999999 it computes the power of ten, which takes hours and gigabytes, and no context ends that.
package quantity

import (
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// longestExponent is that of any quantity there is: e-99.
const longestExponent = len("e-99")

// longest bounds the text: with more digits than that a quantity is none, and takes long to be read.
const longest = 100

var errOutOfBounds = errors.New("a quantity has 100 characters and an exponent of two digits at most")

// Readable reports whether the text can be given to a parser of quantities.
func Readable(text string) bool {
	e := strings.LastIndexAny(text, "eE")
	return len(text) <= longest && (e < 0 || len(text)-e <= longestExponent)
}

// Parse reads a quantity, such as 250m, 64Mi or 1e3.
func Parse(text string) (resource.Quantity, error) {
	if !Readable(text) {
		return resource.Quantity{}, errOutOfBounds
	}
	return resource.ParseQuantity(text)
}
