package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
)

// Sources are all sources of an autoscaler.
type Sources []Source

// Gather reads all metrics at the same time. Those that it could read are returned together with an *Error about the others.
func (s Sources) Gather(ctx context.Context, scene *Scene) ([]Metric, error) {
	metrics, errs := make([]Metric, len(s)), make([]error, len(s))
	var gathering sync.WaitGroup
	for i, source := range s {
		gathering.Go(func() { metrics[i], errs[i] = source.Gather(ctx, scene) })
	}
	gathering.Wait()
	return s.sift(metrics, errs)
}

// Recall reads all metrics from documents that were recorded, and returns what Gather returns.
func (s Sources) Recall(recorded Documents) ([]Metric, error) {
	metrics, errs := make([]Metric, len(s)), make([]error, len(s))
	for i, source := range s {
		metrics[i], errs[i] = source.Recall(recorded)
	}
	return s.sift(metrics, errs)
}

// sift keeps the metrics that were gathered, and makes one error of the others.
func (s Sources) sift(metrics []Metric, errs []error) ([]Metric, error) {
	var gathered []Metric
	failed := &Error{Of: len(s)}
	for i, metric := range metrics {
		if errs[i] == nil {
			gathered = append(gathered, metric)
			continue
		}
		failed.Failed = append(failed.Failed, SourceError{s[i].ID(), errs[i]})
	}
	if len(failed.Failed) == 0 {
		return gathered, nil
	}
	return gathered, failed
}

// IDs returns which sources these are.
func (s Sources) IDs() []ID {
	ids := make([]ID, len(s))
	for i, source := range s {
		ids[i] = source.ID()
	}
	return ids
}

// Error is the metrics that could not be gathered, each with its reason.
type Error struct {
	Failed []SourceError
	Of     int
}

// SourceError is why the metric of one source could not be gathered.
type SourceError struct {
	ID  ID
	Err error
}

func (e SourceError) Error() string { return fmt.Sprintf("%s: %v", e.ID, e.Err) }

func (e SourceError) Unwrap() error { return e.Err }

// Explain is that of a fault.Explainer.
func (e SourceError) Explain() fault.Fault {
	return fault.Fault{Err: e.Err, Setting: e.ID.Key}
}

func (e *Error) Error() string {
	reasons := make([]string, len(e.Failed))
	for i, err := range e.Failed {
		reasons[i] = err.Error()
	}
	return fmt.Sprintf("gathering Kubernetes metrics: %d of %d failed: %s", len(e.Failed), e.Of, strings.Join(reasons, "; "))
}

func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, err := range e.Failed {
		errs[i] = err
	}
	return errs
}

// NotYet reports whether all metrics that failed have no values yet, as is usual at a start.
func (e *Error) NotYet() bool {
	return !slices.ContainsFunc(e.Failed, func(failed SourceError) bool {
		_, early := errors.AsType[NotYet](failed.Err)
		return !early
	})
}

// NotYet says that there is no value of a metric yet, or no pod that could have one.
type NotYet struct{ Err error }

func (n NotYet) Error() string { return n.Err.Error() }

func (n NotYet) Unwrap() error { return n.Err }
