package experiment

import (
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

func TestVerdict(t *testing.T) {
	good, bad := simulation.Row{Seconds: 15}, simulation.Row{Seconds: 30, Failure: "FailedGetScale: no"}
	course := func(name string, rows ...simulation.Row) simulation.Course {
		return simulation.Course{Name: name, Rows: rows, Figures: []simulation.Figure{{Name: "flaps", Value: 3}}}
	}
	for _, row := range []struct {
		name    string
		courses []simulation.Course
		assert  []string
		want    string
	}{
		{"nothing was asserted", []simulation.Course{course("a", good, bad)}, nil, ""},
		{"all passes of another course failed", []simulation.Course{course("a", good), course("b", bad)}, []string{"flaps < 1"}, "b: every pass failed, the first at 30s, FailedGetScale: no"},
		{"an assertion holds", []simulation.Course{course("a", good)}, []string{"flaps < 4"}, ""},
		{"two do not", []simulation.Course{course("a", good)}, []string{"flaps < 2", "flaps < 4", "flaps < 1"}, "not as it was asserted to be: flaps < 2: it is 3; flaps < 1: it is 3"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := ""
			if err := (Simulated{Settings: simulation.Settings{Assert: row.assert}, Courses: row.courses}).Verdict(); err != nil {
				got = err.Error()
			}
			if got != row.want {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
		})
	}
}
