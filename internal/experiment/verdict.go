package experiment

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

// Verdict is an error where all passes of a course failed, or where an assertion about the autoscaler's course does not hold.
func (s Simulated) Verdict() error {
	return cmp.Or(alwaysFailed(s.Courses), asserted(s.Settings.Assert, s.Courses[0].Figures))
}

// alwaysFailed is an error where all passes of a course failed: its figures say nothing about the autoscaler.
func alwaysFailed(courses []simulation.Course) error {
	for _, course := range courses {
		failed := 0
		for _, row := range course.Rows {
			if row.Failure != "" {
				failed++
			}
		}
		if failed > 0 && failed == len(course.Rows) {
			return fmt.Errorf("%s: every pass failed, the first %s", course.Name, firstFailure(course.Rows))
		}
	}
	return nil
}

// asserted says what does not hold.
func asserted(texts []string, figures []simulation.Figure) error {
	var broken []string
	for _, check := range assertionsOf(texts, figures) {
		if check.err != nil {
			broken = append(broken, check.err.Error())
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return fmt.Errorf("not as it was asserted to be: %s", strings.Join(broken, "; "))
}

// checkedAssertion is an assertion, and why it does not hold if so.
type checkedAssertion struct {
	text string
	err  error
}

func assertionsOf(texts []string, figures []simulation.Figure) (all []checkedAssertion) {
	for _, text := range texts {
		assertion, err := simulation.ParseAssertion(text)
		if err == nil {
			err = assertion.Check(figures)
		}
		all = append(all, checkedAssertion{text, err})
	}
	return all
}
