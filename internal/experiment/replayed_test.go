package experiment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/recording"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// TestReplayShowsSoManyDifferences has twice as many as are shown, each of which is there twice.
func TestReplayShowsSoManyDifferences(t *testing.T) {
	c := config.Default()
	c.ScaleTargetRef = &autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "web"}
	r := &Replayed{asked: c}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for i := range 4 * ShownDifferences {
		was, now := int32(0), int32(1+i%(2*ShownDifferences))
		r.Differences = append(r.Differences, recording.Difference{
			Was: userlogic.Decision{Time: at.Add(time.Duration(i) * time.Minute), DesiredReplicas: &was}, Now: userlogic.Decision{DesiredReplicas: &now},
			Why: "evaluate recommends something else",
		})
	}
	var out strings.Builder
	if err := r.Text(&out, false); err != nil {
		t.Fatal(err)
	}
	if shown := strings.Count(out.String(), "(2 passes, until "); shown != ShownDifferences {
		t.Errorf("%d are shown, want %d", shown, ShownDifferences)
	}
	if more := fmt.Sprintf("%d differences more: --all shows them", 2*ShownDifferences); !strings.Contains(out.String(), more) {
		t.Errorf("it does not say %q:\n%s", more, &out)
	}
}
