package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

func TestMain(m *testing.M) {
	if os.Getenv("EVALUATE") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// evaluates runs the program for one pod that uses so many of the 200 thousandths of a cpu that it requests.
func evaluates(t *testing.T, used int64) (string, error) {
	t.Helper()
	known, err := json.Marshal(userlogic.MetricInput{Resource: []byte("{}"), KubernetesMetrics: []userlogic.KubernetesMetric{{
		CurrentReplicas: 1,
		Spec: autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: "cpu", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType},
		}},
		Resource: &userlogic.ResourceMetrics{
			PodMetricsInfo: map[string]userlogic.PodMetric{"web": {Value: used}}, Requests: map[string]int64{"web": 200}, ReadyPodCount: 1, TotalPods: 1,
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return replies(t, string(known))
}

// replies runs the program with what its metric method replied.
func replies(t *testing.T, known string) (string, error) {
	t.Helper()
	input, err := json.Marshal(userlogic.EvaluateInput{Resource: []byte("{}"), Metrics: []userlogic.ResourceMetric{{Resource: "web", Value: known}}})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "EVALUATE=yes")
	command.Stdin = bytes.NewReader(input)
	reply, err := command.Output()
	return string(reply), err
}

func TestEvaluate(t *testing.T) {
	reply, err := evaluates(t, 300)
	if err != nil {
		t.Fatal(err)
	}
	evaluation, err := userlogic.DecodeEvaluation(reply)
	if err != nil || evaluation.TargetReplicas != 3 || !strings.Contains(evaluation.Reason, "150%") {
		t.Errorf("got %+v, %v; want 3 replicas, for 150%% of a target of 50%%", evaluation, err)
	}
}

func TestNothingIsGuessedWithoutMetrics(t *testing.T) {
	reply, err := replies(t, `{"resource": {}, "runType": "scaler"}`)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || !strings.Contains(string(exit.Stderr), "the cpu is not known") || reply != "" {
		t.Errorf("it replied %q, %v; want it to fail, and to say why", reply, err)
	}
}
