package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// lookAgain is how often the object is read while we wait.
const lookAgain = 500 * time.Millisecond

// Until is when a pause of so long ends, in whole seconds as the annotation has it, and not before.
func Until(now time.Time, long time.Duration) time.Time {
	if long == 0 {
		return time.Time{}
	}
	return now.Add(long + time.Second - 1).UTC().Truncate(time.Second)
}

// Pause asks the operator to hold the target, until a time if there is one.
func (o Objects) Pause(ctx context.Context, namespace, name string, replicas int32, until time.Time) error {
	annotations := map[string]any{cpav1.PausedReplicas: strconv.Itoa(int(replicas)), cpav1.PausedUntil: nil}
	if !until.IsZero() {
		annotations[cpav1.PausedUntil] = until.Format(time.RFC3339)
	}
	return o.annotate(ctx, namespace, name, annotations)
}

// Replicas is how many the object's target is to have now.
func (o Objects) Replicas(ctx context.Context, namespace, name string) (int32, error) {
	object, err := o.One(ctx, namespace, name)
	if err != nil {
		return 0, err
	}
	ref := object.Spec.ScaleTargetRef
	replicas, err := workload.NewReader(o.API, autoscalingv2.CrossVersionObjectReference{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name}, namespace).Replicas(ctx)
	return replicas, explain(err)
}

// Resume asks the operator to let the autoscaler go on.
func (o Objects) Resume(ctx context.Context, namespace, name string) error {
	return o.annotate(ctx, namespace, name, map[string]any{cpav1.PausedReplicas: nil, cpav1.PausedUntil: nil})
}

// annotate sets annotations; those that are nil it takes away.
func (o Objects) annotate(ctx context.Context, namespace, name string, annotations map[string]any) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		return err
	}
	_, err = o.API.PatchJSON(ctx, path(namespace, name), types.MergePatchType, patch)
	return explain(err)
}

// Paused tells whether the target is held just so: an older pause may be another.
func Paused(replicas int32, until time.Time) func(cpav1.CustomPodAutoscaler) bool {
	return func(object cpav1.CustomPodAutoscaler) bool {
		paused := pausedOf(object)
		if paused == nil || paused.Status != metav1.ConditionTrue {
			return false
		}
		rest, ours := strings.CutPrefix(paused.Message, cpav1.HeldAt(replicas, until))
		return ours && (rest == "" || strings.HasPrefix(rest, ";"))
	}
}

// Resumed tells whether the target is not held any more.
func Resumed(object cpav1.CustomPodAutoscaler) bool {
	return !meta.IsStatusConditionTrue(object.Status.Conditions, cpav1.Paused)
}

// Await reads the object until it is as it should be, or ctx is done.
func (o Objects) Await(ctx context.Context, namespace, name string, should func(cpav1.CustomPodAutoscaler) bool) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	var last cpav1.CustomPodAutoscaler
	for {
		object, err := o.One(ctx, namespace, name)
		switch {
		case ctx.Err() != nil: // which err is only about
		case err != nil:
			return err
		case should(object):
			return nil
		default:
			last = object
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the operator: %w: %s; kubectl cpa why -n %s %s says more", context.Cause(ctx), said(last), namespace, name)
		case <-tick.C:
		}
	}
}

// said is what the operator has last said of the object: what is wrong with it may be why it is not paused.
func said(object cpav1.CustomPodAutoscaler) string {
	var all []string
	for _, of := range []string{cpav1.Ready, cpav1.Paused} {
		if condition := meta.FindStatusCondition(object.Status.Conditions, of); condition != nil {
			all = append(all, fmt.Sprintf("%s is %s (%s): %s", of, condition.Status, condition.Reason, condition.Message))
		}
	}
	if len(all) == 0 {
		return "it has not said anything of the object: does it run, and look after the namespace?"
	}
	return strings.Join(all, "; ")
}
