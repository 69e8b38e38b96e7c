// Command go-evaluate is an evaluate method in Go. Its metric method is cat, which hands on all that is known.
package main

import (
	"encoding/json"
	"log"
	"os"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic/hpa"
)

func main() {
	var input userlogic.EvaluateInput
	var known userlogic.MetricInput
	must(json.NewDecoder(os.Stdin).Decode(&input))
	must(json.Unmarshal([]byte(input.Metrics[0].Value), &known))
	if len(known.KubernetesMetrics) == 0 {
		log.Fatal("the cpu is not known")
	}
	half := int32(50)
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &half}
	replicas, reason, err := hpa.Replicas(known.KubernetesMetrics[0], target)
	must(err)
	must(json.NewEncoder(os.Stdout).Encode(userlogic.Evaluation{TargetReplicas: replicas, Reason: reason}))
}

func must(err error) {
	if err != nil {
		log.Fatal(err) // standard error, and a non-zero exit: the pass fails, and nothing is scaled
	}
}
