package stage

import (
	"context"
	"fmt"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Evaluate is the evaluate stage.
type Evaluate struct {
	Stage
	// Evaluator stands in for the method of the stage where there is one.
	Evaluator method.Evaluator
}

// Run gives the answer to the metrics.
func (e Evaluate) Run(ctx context.Context, seen pass.Observation) (userlogic.Evaluation, error) {
	input := userlogic.EvaluateInput{Metrics: seen.Metrics, Resource: seen.Target.Document, RunType: seen.RunType}
	if err := method.SendHook(ctx, e.Before, seen.Began, input); err != nil {
		return userlogic.Evaluation{}, err
	}
	evaluation, err := e.evaluate(ctx, seen, input)
	if err != nil {
		return userlogic.Evaluation{}, err
	}
	input.Evaluation = &evaluation
	return evaluation, method.SendHook(ctx, e.After, seen.Began, input)
}

func (e Evaluate) evaluate(ctx context.Context, seen pass.Observation, input userlogic.EvaluateInput) (userlogic.Evaluation, error) {
	if e.Evaluator != nil {
		return e.Evaluator.Evaluate(ctx, seen)
	}
	reply, err := method.Send(ctx, e.Main, seen.Began, input)
	if err != nil {
		return userlogic.Evaluation{}, err
	}
	evaluation, err := userlogic.DecodeEvaluation(reply)
	if err != nil {
		return userlogic.Evaluation{}, fmt.Errorf("reading what evaluate replied: %w", err)
	}
	return evaluation, nil
}
