// Command custom-pod-autoscaler runs one autoscaler. Called as kubectl-cpa, it is a plugin of kubectl.
package main

import (
	"os"
	"path/filepath"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.Program{Name: filepath.Base(os.Args[0]), Arguments: os.Args[1:], Environment: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}))
}
