package app

import (
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/hpa"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/stage"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// proposer is what decides in place of user code where evaluate is of the type hpa, and nil elsewhere.
func proposer(settings config.Config) func(stage.Observation) (userlogic.Evaluation, error) {
	if !settings.Proposes() {
		return nil
	}
	return func(seen stage.Observation) (userlogic.Evaluation, error) {
		proposal, err := hpa.Propose(hpa.Input{
			SpecReplicas: seen.Target.Replicas, StatusReplicas: seen.Target.Running,
			Metrics: seen.Gathered, Failed: len(settings.KubernetesMetricSpecs) - len(seen.Gathered),
			Tolerance: settings.Tolerance(),
		})
		return userlogic.Evaluation{TargetReplicas: proposal.Replicas, Reason: proposal.Reason}, err
	}
}
