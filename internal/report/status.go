package report

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// Status keeps the autoscaler's part of its CustomPodAutoscaler's status: in the background, only when it is news, and at
// most once an interval.
type Status struct {
	Load  func(context.Context) (cpav1.Status, error) // what is there, of the autoscaler before us
	Save  func(context.Context, cpav1.Status) error
	Wrote func(error) // is told of each try; nil where it succeeded
	Rules decision.Rules
	Every time.Duration

	mutex   sync.Mutex
	now     cpav1.Status
	written *cpav1.Status // nil until it is known what is there
	news    chan struct{} // holds one token where there may be some
}

// Start makes it ready for passes.
func (s *Status) Start() *Status {
	s.news = make(chan struct{}, 1)
	s.now = cpav1.Status{MinReplicas: &s.Rules.Min, MaxReplicas: &s.Rules.Max}
	return s
}

// Pass is a Watcher.
func (s *Status) Pass(_ context.Context, p pass.Pass) {
	if p.DryRun() || p.Failure != nil && p.Failure.Reason == pass.LeaseNotHeld { // who holds it tells
		return
	}
	s.mutex.Lock()
	s.now = after(s.now, p)
	s.mutex.Unlock()
	s.again()
}

func (s *Status) again() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// Run writes until ctx is done.
func (s *Status) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.news:
		}
		if err := s.write(ctx); err != nil {
			s.again()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.Every):
		}
	}
}

// Close writes what Run has not come to.
func (s *Status) Close(ctx context.Context) {
	select {
	case <-s.news:
		_ = s.write(ctx)
	default:
	}
}

func (s *Status) write(ctx context.Context) (err error) {
	defer func() {
		if err == nil || ctx.Err() == nil { // what was cut short is done by Close
			s.Wrote(err)
		}
	}()
	if s.written == nil {
		there, err := s.Load(ctx)
		if err != nil {
			return err
		}
		s.inherit(there)
	}
	s.mutex.Lock()
	now := s.now
	s.mutex.Unlock()
	if equality.Semantic.DeepEqual(now, *s.written) {
		return nil
	}
	if err := s.Save(ctx, now); err != nil {
		return err
	}
	s.written = &now
	return nil
}

// inherit goes on from what is there: a restart scales nothing, and changes no condition.
func (s *Status) inherit(there cpav1.Status) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	there.ObservedGeneration = 0 // which is the operator's, as are the other conditions
	var ours []metav1.Condition
	for i := range s.now.Conditions {
		now := &s.now.Conditions[i]
		if before := meta.FindStatusCondition(there.Conditions, now.Type); before != nil {
			ours = append(ours, *before)
			keepTime(now, *before)
		}
	}
	there.Conditions = ours
	s.written = &there
	if s.now.LastScaleTime == nil {
		s.now.LastScaleTime = there.LastScaleTime
	}
}

// after is the status after one more pass. What the pass did not come to stays as it was.
func after(before cpav1.Status, p pass.Pass) cpav1.Status {
	now := before
	now.Conditions = append([]metav1.Condition{}, before.Conditions...)
	for _, condition := range conditionsAfter(p) {
		condition.LastTransitionTime = metav1.NewTime(p.Began).Rfc3339Copy()
		condition.Message = clip(condition.Message)
		set(&now.Conditions, condition)
	}
	now.Failure = failureOf(p)
	d := p.Decision
	if d == nil {
		return now
	}
	now.CurrentReplicas, now.RecommendedReplicas, now.DesiredReplicas = &d.Current, &d.Recommended, &d.Replicas
	if d.Disabled() { // nobody was asked
		now.RecommendedReplicas = nil
	}
	now.Reasons = nil
	for _, step := range d.Chain {
		now.Reasons = append(now.Reasons, cpav1.Reason{Reason: string(step.Reason), Message: step.Message})
	}
	if p.Failure == nil && d.Changes() {
		at := metav1.NewTime(p.Began).Rfc3339Copy()
		now.LastScaleTime = &at
	}
	return now
}

// failureOf is why a pass failed, or nil.
func failureOf(p pass.Pass) *cpav1.Failure {
	if p.Failure == nil {
		return nil
	}
	known := p.Fault()
	return &cpav1.Failure{
		Stage: p.Failure.Stage, Reason: p.Failure.Reason, Doing: clip(known.Doing), Cause: clip(known.Cause), Setting: clip(known.Setting), Hint: clip(known.Hint), Retry: known.Retry,
	}
}

func clip(words string) string { return text.Clip(words, pass.LongestError) }

// set replaces the condition of the type, in its place.
func set(conditions *[]metav1.Condition, condition metav1.Condition) {
	before := meta.FindStatusCondition(*conditions, condition.Type)
	if before == nil {
		*conditions = append(*conditions, condition)
		return
	}
	keepTime(&condition, *before)
	*before = condition
}

// keepTime keeps the time of the last transition where there is none.
func keepTime(now *metav1.Condition, before metav1.Condition) {
	if now.Status == before.Status {
		now.LastTransitionTime = before.LastTransitionTime
	}
}
