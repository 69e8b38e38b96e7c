// Package stage runs the two stages that are the user's: metric, what is known, and evaluate, how many replicas.
//
// A snapshot and its Kubernetes metrics come in, the user's evaluation goes out; between them the user's methods and
// hooks are handed their documents, in this order:
//
//	[preMetric] metric [postMetric] -> [preEvaluate] evaluate [postEvaluate]
//
// It neither limits the number nor applies it. The first method that fails ends the stage.
package stage

import (
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

// Stage is a user's method between its hooks; a hook that is not configured is nil.
type Stage struct {
	Before, Main, After method.Runner
}
