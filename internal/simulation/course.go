package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
)

// Pass is asked for at each tick. A pass that fails scales nothing.
type Pass func(context.Context) pass.Pass

// Row is how it was at a tick, and what was decided then.
type Row struct {
	Seconds     float64 `json:"seconds"` // since the start
	Load        float64 `json:"load"`
	Capacity    float64 `json:"capacity"`
	Utilization float64 `json:"utilization"`
	Backlog     float64 `json:"backlog"`
	Pods        int     `json:"pods"`
	Ready       int     `json:"ready"`
	Current     int32   `json:"current"`
	Recommended int32   `json:"recommended"`
	Desired     int32   `json:"desired"`
	Reasons     string  `json:"reasons,omitempty"`
	Explanation string  `json:"explanation,omitempty"`
	UserReason  string  `json:"userReason,omitempty"`
	Failure     string  `json:"failure,omitempty"`
}

// Course is how a simulation went.
type Course struct {
	Name    string   `json:"name"`
	Rows    []Row    `json:"passes"`
	Figures []Figure `json:"figures"`
}

// Run goes through a world at an interval, with a pass at each tick, and tells of each row. With no pass nobody scales.
// Where ctx is done it gives what came of it so far, and the error.
func Run(ctx context.Context, name string, world *World, interval time.Duration, pass Pass, tell func(string, Row)) (Course, error) {
	course := Course{Name: name}
	if passes := int64(world.settings.Duration.Duration / interval); passes > mostPasses {
		return course, fmt.Errorf("%s at an interval of %s are %d passes, and %d are simulated at most: simulate less of it, or take a longer interval", world.settings.Duration.Duration, interval, passes, mostPasses)
	}
	for next := interval; next <= world.settings.Duration.Duration; next += interval {
		world.advance(next)
		row := world.row()
		if pass != nil {
			row.decided(pass(ctx))
		}
		if err := ctx.Err(); err != nil { // which has cut the pass short
			course.Figures = figures(world, course.Rows)
			return course, err
		}
		course.Rows = append(course.Rows, row)
		tell(name, row)
	}
	world.advance(world.settings.Duration.Duration)
	course.Figures = figures(world, course.Rows)
	return course, nil
}

func (w *World) row() Row {
	return Row{
		Seconds: w.now.Seconds(), Load: w.load(w.now), Capacity: w.capacity(), Utilization: w.utilization(), Backlog: w.backlog,
		Pods: len(w.pods), Ready: w.ready(), Current: w.wanted, Recommended: w.wanted, Desired: w.wanted,
	}
}

func (r *Row) decided(p pass.Pass) {
	if d := p.Decision; d != nil {
		r.Current, r.Recommended, r.Desired, r.Reasons, r.Explanation = d.Current, d.Recommended, d.Replicas, d.Reasons(), d.Explanation()
		r.UserReason = p.UserReason
	}
	if p.Failure != nil {
		r.Desired, r.Failure = r.Current, p.Failure.Reason+": "+p.Failure.Err.Error()
	}
}

// At is the time of a row, since the start.
func (r Row) At() time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }
