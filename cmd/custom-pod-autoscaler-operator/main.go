// Command custom-pod-autoscaler-operator runs autoscalers from CustomPodAutoscaler objects.
package main

import (
	"os"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator"
)

func main() { os.Exit(operator.Main(os.Args[1:], os.Stdout, os.Stderr)) }
