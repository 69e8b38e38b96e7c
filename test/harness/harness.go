// Package harness runs the real programs against a real control plane, for the suites of tests beside it: its pods are
// simulated, everything else is not.
package harness

import (
	"flag"
	"os"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// Root is the top folder of the repository, as seen from the folder of a suite, where go test runs it.
const Root = "../../.."

// Main is what a suite's TestMain calls: it runs the tests, and ends what they have shared.
func Main(m *testing.M) {
	holdPodNetwork()
	_ = flag.Set("test.parallel", "8") // most of a test is waiting; -parallel still says otherwise
	code := cluster.Run(m)
	if dir := binaries.dir; dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}
