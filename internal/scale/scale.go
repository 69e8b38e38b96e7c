// Package scale carries a decision out: no other package writes to the target.
//
// A snapshot and a decision come in; the target's scale is patched where the decision changes it, between the user's
// preScale and postScale hooks.
package scale

import (
	"context"
	"encoding/json"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/types"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Scaler scales a target; a hook that is not configured is nil.
type Scaler struct {
	API           *kube.Client
	Before, After method.Runner
	Rules         decision.Rules

	// Confirm makes sure, right before a write, that no other autoscaler scales the target. The write ends with the context
	// that it gives, and done is called after it. It is nil where there is no lease.
	Confirm func(context.Context) (write context.Context, done func(), err error)
}

// Scale runs preScale, patches the scale where there is a change and the lease is confirmed, and runs postScale. The hooks run at every pass,
// also at one that changes nothing. The
// target may have been scaled although there is an error, which is that of postScale.
func (s Scaler) Scale(ctx context.Context, seen pass.Observation, decided decision.Decision) (scaled bool, err error) {
	document, snapshot := s.document(seen, decided), seen.Target
	if err := method.SendHook(ctx, s.Before, seen.Began, document); err != nil {
		return false, err
	}
	if decided.Changes() {
		if err := s.patch(ctx, snapshot.Path.Sub("scale"), decided.Replicas); err != nil {
			return false, fmt.Errorf("scaling %q from %d to %s: %w", snapshot.Ref.Name, decided.Current, cpav1.CountReplicas(decided.Replicas), err)
		}
	}
	return decided.Changes(), method.SendHook(ctx, s.After, seen.Began, document)
}

// patch sets the replicas by adding them, which replaces what is there: a scale at zero has no replicas to replace.
func (s Scaler) patch(ctx context.Context, scale kube.Path, replicas int32) error {
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/spec/replicas", "value": replicas}})
	if err != nil {
		return err
	}
	if s.Confirm != nil {
		write, done, err := s.Confirm(ctx)
		if err != nil {
			return err
		}
		defer done()
		ctx = write
	}
	return s.API.Patch(ctx, scale, types.JSONPatchType, patch, &autoscalingv1.Scale{})
}

func (s Scaler) document(seen pass.Observation, decided decision.Decision) userlogic.ScaleInput {
	return userlogic.ScaleInput{
		Evaluation:      userlogic.Evaluation{TargetReplicas: decided.Replicas},
		Resource:        seen.Target.Document,
		ScaleTargetRef:  seen.Target.Ref,
		Namespace:       seen.Target.Namespace,
		MinReplicas:     s.Rules.Min,
		MaxReplicas:     s.Rules.Max,
		TargetReplicas:  decided.Recommended,
		CurrentReplicas: decided.Current,
		RunType:         seen.RunType,
	}
}
