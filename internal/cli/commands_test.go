package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kubectl"
)

// TestEveryCommandHasExamples that begin with how it is called, and end with no blank.
func TestEveryCommandHasExamples(t *testing.T) {
	for _, command := range []*cobra.Command{root(Program{}), kubectl.Command()} {
		for _, of := range append(command.Commands(), command) {
			if of.Short == "" || !strings.Contains(of.Example, of.CommandPath()) || strings.TrimRight(of.Example, " \n") != of.Example {
				t.Errorf("%s has the examples %q", of.CommandPath(), of.Example)
			}
		}
	}
}
