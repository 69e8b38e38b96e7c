package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
)

func TestOf(t *testing.T) {
	forbidden := &fault.Fault{Doing: "listing pods", Err: errors.New("forbidden"), Hint: "add the right", Lasts: true}
	slow := &fault.Fault{Err: errors.New("no reply within 5s"), Setting: ".timeout", Hint: "raise it"}
	for _, row := range []struct {
		name string
		err  error
		text string
		want fault.Fields
	}{
		{"nothing more than its text", errors.New("broken"), "broken", fault.Fields{Cause: "broken", Retry: true}},
		{"all there is", &fault.Fault{Doing: "reading it", Err: errors.New("broken"), Setting: "a.b", Hint: "mend it", Lasts: true},
			"reading it: broken: mend it", fault.Fields{Doing: "reading it", Cause: "broken", Setting: "a.b", Hint: "mend it"}},
		{"one within another", &fault.Fault{Doing: "gathering metrics", Err: fmt.Errorf("1 of 2 failed: %w", forbidden), Setting: "specs[0]"},
			"gathering metrics: 1 of 2 failed: listing pods: forbidden: add the right",
			fault.Fields{Doing: "gathering metrics", Cause: "1 of 2 failed: listing pods: forbidden", Setting: "specs[0]", Hint: "add the right"}},
		{"with words before it", fmt.Errorf("web-1: %w", &fault.Fault{Doing: "running metric", Err: errors.New("exit status 1")}), "web-1: running metric: exit status 1",
			fault.Fields{Doing: "running metric", Cause: "web-1: exit status 1", Retry: true}},
		{"a setting under that of what it happened in", &fault.Fault{Doing: "running metric", Err: slow, Setting: "metric"},
			"running metric: no reply within 5s: raise it", fault.Fields{Doing: "running metric", Cause: "no reply within 5s", Setting: "metric.timeout", Hint: "raise it", Retry: true}},
		{"several, of which the first that tells more counts", errors.Join(errors.New("a"), slow, forbidden),
			"a\nno reply within 5s: raise it\nlisting pods: forbidden: add the right",
			fault.Fields{Cause: "a\nno reply within 5s: raise it\nlisting pods: forbidden: add the right", Setting: ".timeout", Hint: "raise it", Retry: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.err.Error(); got != row.text {
				t.Errorf("the text is %q, want %q", got, row.text)
			}
			if got := fault.Of(row.err); got != row.want {
				t.Errorf("got  %+v\nwant %+v", got, row.want)
			}
		})
	}
	if got := fault.Of(nil); got != (fault.Fields{Retry: true}) {
		t.Errorf("of nothing: %+v", got)
	}
}
