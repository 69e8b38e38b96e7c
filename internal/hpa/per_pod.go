package hpa

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// podValues are a metric's values, pod by pod, and the pods whose values are not known or mislead.
type podValues metrics.Pods

// gauge reads pods' values against a target.
type gauge interface {
	fmt.Stringer // the target

	// read gives the ratio of usage to target, and the usage in words.
	read(values map[string]int64) (ratio float64, usage string, err error)

	// busy is what to take a pod to use so that it does not scale down.
	busy(pod string) int64
}

// perPod proposes replicas for a metric that each pod has a value of:
//
//	nothing to assume    the tolerance, then ratio * ready pods
//	otherwise            the ratio with what is assumed; the tolerance, then ratio * all these pods,
//	                     unless that is in the other direction
func (in Input) perPod(of metrics.Reading) (verdict, error) {
	gauge, err := gaugeOf(of)
	if err != nil {
		return verdict{}, err
	}
	values := podValues(*of.Pods).values()
	if len(values) == 0 {
		return verdict{}, errNotReady
	}
	ratio, current, err := gauge.read(values)
	if err != nil {
		return verdict{}, err
	}
	why := fmt.Sprintf("is %s, target %s", current, gauge)
	assumed, note := podValues(*of.Pods).assume(ratio, gauge)
	if len(assumed) > 0 {
		maps.Copy(values, assumed)
		return in.assuming(values, ratio, gauge, why+note)
	}
	if in.within(ratio) {
		return verdict{in.SpecReplicas, why + in.withinNote()}, nil
	}
	return verdict{roundUp(ratio * float64(len(values))), why}, nil
}

// assuming proposes replicas for values some of which are assumed; ratio is the one without them.
func (in Input) assuming(values map[string]int64, ratio float64, gauge gauge, why string) (verdict, error) {
	assumed, _, err := gauge.read(values)
	if err != nil {
		return verdict{}, err
	}
	if in.within(assumed) {
		return verdict{in.SpecReplicas, why + in.withinNote()}, nil
	}
	replicas := roundUp(assumed * float64(len(values)))
	turned := assumed > 1 != (ratio > 1) || assumed < 1 && replicas > in.SpecReplicas || assumed > 1 && replicas < in.SpecReplicas
	if turned {
		return verdict{in.SpecReplicas, why + ", which would change the direction"}, nil
	}
	return verdict{replicas, why}, nil
}

func (p podValues) values() map[string]int64 {
	values := make(map[string]int64, len(p.Ready))
	for pod, metric := range p.Ready {
		values[pod] = metric.Value
	}
	return values
}

// assume takes values for the pods without one, such that the change is the smaller for it:
//
//	ratio      < 1: down   = 1   > 1: up
//	missing    busy        -     idle
//	ignored    -           -     idle
func (p podValues) assume(ratio float64, gauge gauge) (assumed map[string]int64, note string) {
	assumed = make(map[string]int64, len(p.Missing))
	note = "idle"
	if ratio < 1 {
		note = "busy"
	}
	for pod := range p.Missing {
		switch {
		case ratio < 1:
			assumed[pod] = gauge.busy(pod)
		case ratio > 1:
			assumed[pod] = 0
		}
	}
	if ratio > 1 {
		for pod := range p.Ignored {
			assumed[pod] = 0
		}
	}
	return assumed, fmt.Sprintf(", counting %s without a usable value as %s", text.Count(len(assumed), "pod", "pods"), note)
}

func gaugeOf(of metrics.Reading) (gauge, error) {
	target := of.Target
	switch target.Type {
	case autoscalingv2.UtilizationMetricType:
		if target.AverageUtilization == nil || *target.AverageUtilization <= 0 {
			return nil, errors.New("target.averageUtilization must be set and above 0")
		}
		return utilization{int64(*target.AverageUtilization), of.Pods.Requests}, nil
	case autoscalingv2.AverageValueMetricType:
		amount, err := amountOf(target)
		return average{amount}, err
	}
	return nil, fmt.Errorf("target.type %q cannot be had of pods: it is Utilization (of resources) or AverageValue", target.Type)
}

// utilization is the pods' usage in percent of what they request.
type utilization struct {
	target   int64
	requests map[string]int64
}

func (u utilization) String() string { return fmt.Sprintf("%d%%", u.target) }

func (u utilization) read(values map[string]int64) (float64, string, error) {
	used, requested := new(big.Int), new(big.Int)
	for pod, value := range values {
		if request, known := u.requests[pod]; known {
			used.Add(used, big.NewInt(value))
			requested.Add(requested, big.NewInt(request))
		}
	}
	if requested.Sign() <= 0 {
		return 0, "", &fault.Fault{
			Err:  errors.New("the pods with metrics request nothing of it"),
			Hint: "set requests in the target's pod template, or use the target type AverageValue",
		}
	}
	percent := held(used.Quo(used.Mul(used, big.NewInt(100)), requested))
	return float64(percent) / float64(u.target), fmt.Sprintf("%d%%", percent), nil
}

// busy is all that the pod requests, or more if the target is more.
func (u utilization) busy(pod string) int64 {
	percent := big.NewInt(max(100, u.target))
	return held(percent.Quo(percent.Mul(percent, big.NewInt(u.requests[pod])), big.NewInt(100)))
}

// average is the mean of the pods' values.
type average struct{ amount }

func (a average) read(values map[string]int64) (float64, string, error) {
	sum := new(big.Int)
	for _, value := range values {
		sum.Add(sum, big.NewInt(value))
	}
	mean := held(sum.Quo(sum, big.NewInt(int64(len(values)))))
	return a.ratio(mean), a.of(mean), nil
}

func (a average) busy(string) int64 { return a.milli }

// held is the number, or the nearest that an int64 can be.
func held(n *big.Int) int64 {
	switch {
	case n.IsInt64():
		return n.Int64()
	case n.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}
