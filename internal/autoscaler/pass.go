package autoscaler

import (
	"context"
	"fmt"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/internal/target"
	"github.com/custom-pod-autoscaler/autoscaler/userlogic"
)

// Pass is what came of one pass.
type Pass struct {
	Decision       decision.Decision
	UserReason     string // what evaluate gave as its own reason
	MetricsProblem error  // why some Kubernetes metrics are missing, where they are not required
}

// RunOnce makes one pass, and waits for one that is under way:
//
//  1. read the target, and end here if it is switched off
//  2. list its pods, if anybody asks for them
//  3. gather Kubernetes metrics
//  4. run the metric stage
//  5. run the evaluate stage
//  6. decide
//  7. scale
//
// The first step that fails ends the pass. A dry run ends before the last step and leaves no trace in the history.
func (a *Autoscaler) RunOnce(ctx context.Context, now time.Time, runType userlogic.RunType) (Pass, error) {
	a.onePass.Lock()
	defer a.onePass.Unlock()
	p := &pass{Autoscaler: a, now: now, runType: runType}
	for _, step := range steps {
		began := time.Now()
		err := step.do(p, ctx)
		a.log.Log(ctx, config.LogStages, "step", "name", step.name, "took", time.Since(began), "failed", err != nil)
		if err != nil || p.over {
			return p.Pass, err
		}
	}
	return p.Pass, nil
}

var steps = []struct {
	name string
	do   func(*pass, context.Context) error
}{
	{"read target", (*pass).readTarget},
	{"list pods", (*pass).listPods},
	{"gather Kubernetes metrics", (*pass).gather},
	{"metric", (*pass).metric},
	{"evaluate", (*pass).evaluate},
	{"decide", (*pass).decide},
	{"scale", (*pass).scale},
}

// pass is what one pass knows so far.
type pass struct {
	*Autoscaler
	Pass
	now     time.Time
	runType userlogic.RunType
	over    bool

	snapshot   target.Snapshot
	gathered   []userlogic.KubernetesMetric
	metrics    []userlogic.ResourceMetric
	evaluation userlogic.Evaluation
}

func (p *pass) readTarget(ctx context.Context) (err error) {
	p.snapshot, err = p.parts.Target.Read(ctx)
	if err == nil && p.snapshot.Replicas == 0 && p.settings.Rules.Min != 0 {
		p.Decision, p.over = decision.Disabled(), true
	}
	return err
}

func (p *pass) listPods(ctx context.Context) (err error) {
	if p.settings.NeedsPods {
		p.snapshot.Pods, err = p.parts.Target.Pods(ctx, p.snapshot)
	}
	return err
}

func (p *pass) gather(ctx context.Context) error {
	if p.parts.KubernetesMetrics == nil {
		return nil
	}
	p.gathered, p.MetricsProblem = p.parts.KubernetesMetrics.Gather(ctx, p.now, p.snapshot)
	for _, metric := range p.gathered {
		p.log.Log(ctx, config.LogMethods, "Kubernetes metric", "metric", asJSON{metric})
	}
	if p.MetricsProblem != nil && p.settings.RequireKubernetesMetrics {
		return fmt.Errorf("%w (requireKubernetesMetrics is true: no user logic was run)", p.MetricsProblem)
	}
	return nil
}

func (p *pass) metric(ctx context.Context) (err error) {
	p.metrics, err = p.parts.Metric.Run(ctx, p.snapshot, p.gathered, p.runType)
	p.log.Log(ctx, config.LogMethods, "metrics", "metrics", asJSON{p.metrics})
	return err
}

func (p *pass) evaluate(ctx context.Context) (err error) {
	p.evaluation, err = p.parts.Evaluate.Run(ctx, p.snapshot, p.gathered, p.metrics, p.runType)
	p.UserReason = p.evaluation.Reason
	if err != nil && p.MetricsProblem != nil { // most likely the one is why there is the other
		return fmt.Errorf("%w; %w", err, p.MetricsProblem)
	}
	return err
}

func (p *pass) decide(context.Context) error {
	var history decision.History
	p.Decision, history = decision.Decide(p.now, p.settings.Rules, p.snapshot.Replicas, p.evaluation.TargetReplicas, p.history)
	if p.over = p.runType == userlogic.APIDryRun; !p.over {
		p.history = history
	}
	return nil
}

func (p *pass) scale(ctx context.Context) error {
	return p.parts.Scale.Scale(ctx, p.snapshot, p.Decision, p.runType)
}
