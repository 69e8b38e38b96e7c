package autoscaler

import (
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestAnExpiredTokenIsJustThat shows that nothing else is wrong with such a token.
func TestAnExpiredTokenIsJustThat(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	for _, row := range []struct {
		expires time.Duration
		good    bool
	}{{time.Hour / 2, true}, {-time.Hour / 2, false}} {
		review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: harness.TokenUntil(t, namespace, "default", time.Now().Add(row.expires))}}
		review, err := harness.Client(t).AuthenticationV1().TokenReviews().Create(t.Context(), review, metav1.CreateOptions{})
		if err != nil || review.Status.Authenticated != row.good {
			t.Errorf("a token that expires in %s: %+v, %v, want good: %t", row.expires, review.Status, err, row.good)
		}
	}
}
