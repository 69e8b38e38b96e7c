// Command custom-pod-autoscaler runs one autoscaler.
package main

import (
	"os"

	"github.com/custom-pod-autoscaler/autoscaler/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.Program{Arguments: os.Args[1:], Environment: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}))
}
