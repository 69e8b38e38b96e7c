package reconcile

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

// failing answers every read with an error.
type failing struct {
	client.Reader
	err error
}

func (f failing) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return f.err
}

func TestReportDistinguishesAnObjectThatIsGoneFromAnAPIThatIsNotServedYet(t *testing.T) {
	resource := schema.GroupResource{Group: cpav1.GroupVersion.Group, Resource: "custompodautoscalers"}
	object := &cpav1.CustomPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	for _, row := range []struct {
		name  string
		err   error
		fails bool
	}{
		{"gone", apierrors.NewNotFound(resource, "web"), false},
		{"not served yet", apierrors.NewGenericServerResponse(404, "get", resource, "web", "404 page not found", 0, true), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := (&Reconciler{Live: failing{err: row.err}}).report(t.Context(), object, plan.Outcome{Ready: metav1.Condition{Status: metav1.ConditionTrue, Reason: "Fine"}})
			if (err != nil) != row.fails {
				t.Errorf("got %v", err)
			}
		})
	}
}
