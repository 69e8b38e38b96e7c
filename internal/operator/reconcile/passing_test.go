package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

var (
	roleResource = schema.GroupResource{Group: "rbac.authorization.k8s.io", Resource: "roles"}
	forbidden    = forbiddenError{apierrors.NewForbidden(roleResource, "web", errors.New("no")), "shop", nil}
)

// step is one reconcile of an object, and what is to follow.
type step struct {
	at    time.Duration
	err   error
	retry time.Duration // zero: it is reported
}

func TestPassing(t *testing.T) {
	web := types.NamespacedName{Namespace: "shop", Name: "web"}
	broken := errors.New("broken")
	const s = time.Second
	for _, row := range []struct {
		name  string
		steps []step
	}{
		{"a success is reported", []step{{0, nil, 0}}},
		{"a failure that does not pass is reported", []step{{0, broken, 0}, {s, broken, 0}}},
		{"a failure is reported once it has lasted", []step{
			{0, forbidden, s}, {s, forbidden, s}, {2 * s, forbidden, 2 * s}, {4 * s, forbidden, 4 * s}, {8 * s, forbidden, 4 * s}, {12 * s, forbidden, 0}, {42 * s, forbidden, 0},
		}},
		{"one that passes is not", []step{{0, forbidden, s}, {s, forbidden, s}, {2 * s, nil, 0}}},
		{"one that comes again is another", []step{{0, forbidden, s}, {s, nil, 0}, {30 * s, forbidden, s}}},
		{"another failure in between", []step{{0, forbidden, s}, {s, broken, 0}, {30 * s, forbidden, s}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var passing passing
			began := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			for _, step := range row.steps {
				if got := passing.retryIn(web, step.err, began.Add(step.at)); got != step.retry {
					t.Errorf("after %s: retried in %s, want %s", step.at, got, step.retry)
				}
				if other := passing.retryIn(types.NamespacedName{Namespace: "shop", Name: "other"}, nil, began); other != 0 {
					t.Errorf("after %s: another object is retried in %s", step.at, other)
				}
			}
		})
	}
}

func TestPassingForgetsObjects(t *testing.T) {
	var passing passing
	for i := range 100 {
		name := types.NamespacedName{Name: fmt.Sprint(i)}
		passing.retryIn(name, forbidden, time.Now())
		passing.forget(name)
	}
	if len(passing.since) != 0 {
		t.Errorf("%d objects are remembered", len(passing.since))
	}
}

func TestMayPass(t *testing.T) {
	noPath := apierrors.NewGenericServerResponse(404, "get", roleResource, "web", "404 page not found", 0, true)
	for _, row := range []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"a call that is forbidden", fmt.Errorf("reading: %w", forbidden), true},
		{"credentials that are refused", &kube.Error{Err: apierrors.NewUnauthorized("no")}, true},
		{"a path that is not served", &kube.Error{Err: noPath}, true},
		{"an object that is not there", apierrors.NewNotFound(roleResource, "web"), false},
		{"discovery that hangs", passingError{fmt.Errorf("asking: %w", workload.ErrStillAsking)}, true},
		{"a group version that is not served", plan.Trouble("UnknownTarget", passingError{workload.ErrNotServed}), true},
		{"a kind that its group version does not have", plan.Trouble("UnknownTarget", workload.ErrNoKind), false},
		{"a template that is refused", plan.Trouble("Refused", apierrors.NewForbidden(roleResource, "web", errors.New("no"))), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := mayPass(row.err); got != row.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestPlainErrorsHaveNoHintsForAutoscalers(t *testing.T) {
	call := &kube.Error{Verb: "get", Hint: "the autoscaler's Role needs the verb", Err: apierrors.NewForbidden(roleResource, "web", errors.New("no")),
		Path: kube.Path{Version: schema.GroupVersion{Group: "shop.example.com", Version: "v1"}}}
	if got := ownWords(call); strings.Contains(got.Error(), "autoscaler") || !apierrors.IsForbidden(got) {
		t.Errorf("got %v", got)
	}
	call.Err = context.DeadlineExceeded
	if got := ownWords(call); got.Error() != "the resources of shop.example.com/v1: no answer within 10s: context deadline exceeded" {
		t.Errorf("got %v", got)
	}
}
