package plan

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

func TestTheAnnotationsPause(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name, replicas, until string
		paused                bool
		left                  time.Duration
		reason, says          string // why it is not paused
	}{
		{"no annotation", "", "", false, 0, "NotPaused", "does not ask for it"},
		{"only a time", "", "2026-01-01T13:00:00Z", false, 0, "NotPaused", "does not ask for it"},
		{"a number", "3", "", true, 0, "", ""},
		{"zero", "0", "", true, 0, "", ""},
		{"no number", "many", "", false, 0, "InvalidReplicas", `is "many"`},
		{"less than none", "-1", "", false, 0, "InvalidReplicas", `is "-1"`},
		{"no number, until a time", "many", "2026-01-01T13:00:00Z", false, 0, "InvalidReplicas", `is "many"`},
		{"until a time to come", "3", "2026-01-01T13:00:00Z", true, time.Hour, "", ""},
		{"until a time to come, elsewhere", "3", "2026-01-01T14:00:30+01:00", true, time.Hour + 30*time.Second, "", ""},
		{"until this very moment", "3", "2026-01-01T12:00:00Z", false, 0, "NotPaused", "the pause ended at 2026-01-01T12:00:00Z"},
		{"until a time that is over", "3", "2025-12-31T12:00:00Z", false, 0, "NotPaused", "the pause ended at 2025-12-31T12:00:00Z"},
		{"until no time", "3", "tomorrow", false, 0, "InvalidTime", `is "tomorrow"`},
		{"until something else than a time", "3", "2026-01-01", false, 0, "InvalidTime", "2026-01-01T12:00:00Z; the autoscaler runs"},
	} {
		t.Run(row.name, func(t *testing.T) {
			object := &cpav1.CustomPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}}
			for name, value := range map[string]string{cpav1.PausedReplicas: row.replicas, cpav1.PausedUntil: row.until} {
				if value != "" {
					object.Annotations[name] = value
				}
			}
			got := HoldOf(object, now)
			if got.Paused != row.paused || got.left != row.left || got.not.Reason != row.reason || !strings.Contains(got.not.Message, row.says) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAPauseIsLookedAtAgainWhenItEnds(t *testing.T) {
	for _, row := range []struct{ left, after, want time.Duration }{
		{0, Again, Again},
		{0, 0, 0},
		{time.Hour, Again, Again},
		{10 * time.Second, Again, 10 * time.Second},
		{10 * time.Second, Soon, Soon},
		{10 * time.Second, 0, 10 * time.Second},
	} {
		if got := (Hold{left: row.left}).Within(row.after); got != row.want {
			t.Errorf("with %s left, and %s: got %s", row.left, row.after, got)
		}
	}
}
