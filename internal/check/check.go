// Package check looks for what would keep a configuration from working: programs and servers that are not there, and, of a
// cluster, the target, the metrics APIs and the rights.
//
// A configuration that has passed its rules comes in, one Item for each thing that was looked at goes out. It runs no user
// logic and changes nothing.
package check

import (
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
)

// Failed tells whether any of them is an error.
func Failed(items []finding.Item) bool {
	for _, item := range items {
		if item.Result == finding.Error {
			return true
		}
	}
	return false
}

func failed(check string, err error) finding.Item {
	known := fault.Of(err)
	says := known.Cause
	if known.Doing != "" {
		says = known.Doing + ": " + says
	}
	return finding.Fail(check, says, known.Hint)
}
