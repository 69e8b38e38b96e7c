package stage

import (
	"context"
	"fmt"

	"github.com/custom-pod-autoscaler/autoscaler/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/internal/target"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// Evaluate is the evaluate stage.
type Evaluate struct {
	Stage
	// Propose stands in for the user's method where it is set: it needs nothing but the Kubernetes metrics.
	Propose func(target.Snapshot, []userlogic.KubernetesMetric) (userlogic.Evaluation, error)
}

// Run gives the answer to the metrics.
func (e Evaluate) Run(ctx context.Context, snapshot target.Snapshot, gathered []userlogic.KubernetesMetric, metrics []userlogic.ResourceMetric, runType userlogic.RunType) (userlogic.Evaluation, error) {
	input := userlogic.EvaluateInput{Metrics: metrics, Resource: snapshot.Document, RunType: runType}
	if err := method.SendHook(ctx, e.Before, input); err != nil {
		return userlogic.Evaluation{}, err
	}
	evaluation, err := e.evaluate(ctx, snapshot, gathered, input)
	if err != nil {
		return userlogic.Evaluation{}, err
	}
	input.Evaluation = &evaluation
	return evaluation, method.SendHook(ctx, e.After, input)
}

func (e Evaluate) evaluate(ctx context.Context, snapshot target.Snapshot, gathered []userlogic.KubernetesMetric, input userlogic.EvaluateInput) (userlogic.Evaluation, error) {
	if e.Propose != nil {
		return e.Propose(snapshot, gathered)
	}
	reply, err := method.Send(ctx, e.Main, input)
	if err != nil {
		return userlogic.Evaluation{}, err
	}
	evaluation, err := userlogic.DecodeEvaluation(reply)
	if err != nil {
		return userlogic.Evaluation{}, fmt.Errorf("reading what evaluate replied: %w", err)
	}
	return evaluation, nil
}
