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
}

// Run gives the evaluate method's answer to the metrics.
func (e Evaluate) Run(ctx context.Context, snapshot target.Snapshot, metrics []userlogic.ResourceMetric, runType userlogic.RunType) (userlogic.Evaluation, error) {
	input := userlogic.EvaluateInput{Metrics: metrics, Resource: snapshot.Document, RunType: runType}
	if err := method.SendHook(ctx, e.Before, input); err != nil {
		return userlogic.Evaluation{}, err
	}
	reply, err := method.Send(ctx, e.Main, input)
	if err != nil {
		return userlogic.Evaluation{}, err
	}
	evaluation, err := userlogic.DecodeEvaluation(reply)
	if err != nil {
		return userlogic.Evaluation{}, fmt.Errorf("reading what evaluate replied: %w", err)
	}
	input.Evaluation = &evaluation
	return evaluation, method.SendHook(ctx, e.After, input)
}
