package hpa

import (
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
)

// single proposes replicas for a metric with one value, which is of no pod.
func (in Input) single(of metrics.Reading) (verdict, error) {
	target, err := amountOf(of.Target)
	if err != nil {
		return verdict{}, err
	}
	value := of.Value.Current
	switch {
	case of.Target.Type == autoscalingv2.ValueMetricType && value.Value != nil:
		return in.whole(*value.Value, of.Value.ReadyPodCount, target)
	case of.Target.Type == autoscalingv2.AverageValueMetricType && value.AverageValue != nil:
		return in.shared(*value.AverageValue, target), nil
	}
	return verdict{}, fmt.Errorf("there is no current value for target.type %q: it is Value or AverageValue", of.Target.Type)
}

// whole is for a value that all replicas together bring about: as many more as it is too high.
//
//	no replicas                  -> ratio, so that one is enough to begin with
//	within the tolerance         -> as many as there are
//	some load, no ready pods     -> as many as there are: they have not had the chance to share it yet
//	otherwise                    -> ratio * ready pods, but above the target never fewer than there are
//
// A HorizontalPodAutoscaler goes by the ready pods alone: it takes those away that it has just started.
func (in Input) whole(value int64, ready *int64, target amount) (verdict, error) {
	ratio, why := target.ratio(value), fmt.Sprintf("is %s, target %s", target.of(value), target)
	switch {
	case in.SpecReplicas == 0:
		return verdict{roundUp(ratio), why}, nil
	case in.within(ratio):
		return verdict{in.SpecReplicas, why + in.withinNote()}, nil
	case ready == nil:
		return verdict{}, errors.New("there is no ready_pod_count")
	case *ready == 0 && in.StatusReplicas == 0: // not unready pods, which ask for no more, but none yet
		return verdict{}, errNoPods
	case *ready == 0 && ratio > 0:
		return verdict{in.SpecReplicas, why + ", with no ready pods to share it yet, so that it stays"}, nil
	}
	replicas := roundUp(ratio * float64(*ready))
	if ratio > 1 && replicas < in.SpecReplicas {
		return verdict{in.SpecReplicas, fmt.Sprintf("%s, with %d ready pods of %d to share it, so that it stays", why, *ready, in.SpecReplicas)}, nil
	}
	return verdict{replicas, why}, nil
}

// shared is for a value that the replicas divide among themselves: as many as have the target each.
func (in Input) shared(value int64, target amount) verdict {
	why := fmt.Sprintf("is %s in all, target %s for each pod", target.of(value), target)
	// With no replicas the share is infinite or no number, and neither is within the tolerance.
	share := float64(value) / (float64(target.milli) * float64(in.StatusReplicas))
	if in.within(share) {
		return verdict{in.StatusReplicas, why + in.withinNote()}
	}
	return verdict{roundUp(target.ratio(value)), why}
}
