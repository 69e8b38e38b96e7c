package userlogic

import (
	"testing"
	"time"
)

func TestASentenceSaysWhatHappenedAndWhy(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	replicas := func(n int32) *int32 { return &n }
	within := []DecisionReason{{Reason: "DesiredWithinRange", Message: "2 recommended, within 1 and 10"}}
	held := append(within, DecisionReason{Reason: "ScaleDownStabilized", Message: "8 was recommended at 11:59:00, which holds until 12:04:00"})
	for _, row := range []struct {
		name     string
		decision Decision
		later    time.Duration
		want     string
	}{
		{"it scaled", Decision{RunType: Scaler, Result: Scaled, CurrentReplicas: replicas(1), DesiredReplicas: replicas(2), Reasons: within, UserReason: "90% busy"}, 12 * time.Second,
			`2026-01-01 12:00:00 UTC, 12 s ago: the autoscaler scaled Deployment shop/web from 1 to 2 replicas: 2 recommended, within 1 and 10 (DesiredWithinRange). User logic says: "90% busy".`},
		{"it kept", Decision{RunType: Scaler, Result: Kept, CurrentReplicas: replicas(8), DesiredReplicas: replicas(8), Reasons: held}, 3 * time.Minute,
			`2026-01-01 12:00:00 UTC, 3 min ago: the autoscaler kept Deployment shop/web at 8 replicas: 2 recommended, within 1 and 10 (DesiredWithinRange); 8 was recommended at 11:59:00, which holds until 12:04:00 (ScaleDownStabilized).`},
		{"a call scaled", Decision{RunType: API, Result: Scaled, CurrentReplicas: replicas(1), DesiredReplicas: replicas(2), Reasons: within}, 25*time.Hour + time.Minute,
			`2026-01-01 12:00:00 UTC, 25 h 1 min ago: a call of the API scaled Deployment shop/web from 1 to 2 replicas: 2 recommended, within 1 and 10 (DesiredWithinRange).`},
		{"a dry run would", Decision{RunType: APIDryRun, Result: Proposed, CurrentReplicas: replicas(1), DesiredReplicas: replicas(2), Reasons: within}, 0,
			`2026-01-01 12:00:00 UTC, 0 s ago: a dry run would have scaled Deployment shop/web from 1 to 2 replicas: 2 recommended, within 1 and 10 (DesiredWithinRange).`},
		{"a dry run would not", Decision{RunType: APIDryRun, Result: Proposed, CurrentReplicas: replicas(2), DesiredReplicas: replicas(2), Reasons: within}, -time.Second,
			`2026-01-01 12:00:00 UTC, 0 s ago: a dry run would have kept Deployment shop/web at 2 replicas: 2 recommended, within 1 and 10 (DesiredWithinRange).`},
		{"it is switched off", Decision{RunType: Scaler, Result: Disabled, CurrentReplicas: replicas(0), DesiredReplicas: replicas(0),
			Reasons: []DecisionReason{{Reason: "ScalingDisabled", Message: "the target has 0 replicas and minReplicas is not 0"}}}, 0,
			`2026-01-01 12:00:00 UTC, 0 s ago: the autoscaler left Deployment shop/web alone: the target has 0 replicas and minReplicas is not 0 (ScalingDisabled).`},
		{"it failed", Decision{RunType: Scaler, Result: Failed, Error: &DecisionError{Stage: "read_target", Reason: "FailedGetScale", Message: "no cluster: is it running?"},
			Stages: []StageDuration{{"read_target", 2.5}}, Seconds: 2.5}, 0,
			`2026-01-01 12:00:00 UTC, 0 s ago: a pass failed in the stage read_target, and Deployment shop/web was not scaled (FailedGetScale): no cluster: is it running? It took 2.5 s, most of it in the stage read_target.`},
		{"some metrics were missing", Decision{RunType: Scaler, Result: Kept, CurrentReplicas: replicas(1), DesiredReplicas: replicas(1), Reasons: within,
			KubernetesMetricsError: "no metrics", Stages: []StageDuration{{"read_target", .01}, {"metric", .12}, {"decide", 0}}, Seconds: .13}, 0,
			`2026-01-01 12:00:00 UTC, 0 s ago: the autoscaler kept Deployment shop/web at 1 replica: 2 recommended, within 1 and 10 (DesiredWithinRange). Some Kubernetes metrics were missing: no metrics. It took 130 ms, most of it in the stage metric.`},
	} {
		row.decision.Time, row.decision.Target = noon, "Deployment shop/web"
		if got := row.decision.Sentence(noon.Add(row.later)); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

// What a client decoded may be of another version: a sentence is made of whatever is there.
func TestASentenceIsMadeOfAnything(t *testing.T) {
	for _, d := range []Decision{{}, {Result: "new"}, {Result: Scaled}, {Result: Kept, CurrentReplicas: new(int32)}} {
		if d.Sentence(time.Now()) == "" {
			t.Errorf("%+v has no sentence", d)
		}
	}
}
