package app

import (
	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/hpa"
	"github.com/custom-pod-autoscaler/autoscaler/internal/target"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// proposer is what decides in place of user code where evaluate is of the type hpa, and nil elsewhere.
func proposer(settings config.Config) func(target.Snapshot, []userlogic.KubernetesMetric) (userlogic.Evaluation, error) {
	if !settings.Proposes() {
		return nil
	}
	return func(snapshot target.Snapshot, gathered []userlogic.KubernetesMetric) (userlogic.Evaluation, error) {
		proposal, err := hpa.Propose(hpa.Input{
			SpecReplicas: snapshot.Replicas, StatusReplicas: snapshot.Running,
			Metrics: gathered, Failed: len(settings.KubernetesMetricSpecs) - len(gathered),
			Tolerance: settings.Tolerance(),
		})
		return userlogic.Evaluation{TargetReplicas: proposal.Replicas, Reason: proposal.Reason}, err
	}
}
