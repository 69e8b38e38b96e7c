package recording

import (
	"math"
	"testing"
	"time"
)

func TestFiguresOfACourse(t *testing.T) {
	var c course
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	const failed = -1
	for minute, replicas := range []int32{failed, 2, 2, 4, failed, 3, 3} { // one that fails leaves what there is
		if replicas == failed {
			c.decided(start.Add(time.Duration(minute)*time.Minute), nil)
			continue
		}
		c.decided(start.Add(time.Duration(minute)*time.Minute), &replicas)
	}
	fewer := int32(1)
	c.decided(start.Add(time.Hour), &fewer) // long after
	want := Figures{PodHours: (2 + 2 + 4 + 4 + 3 + 54*3) / 60.0, Scalings: 3, Flaps: 1, Peak: 4}
	if got := c.Figures; math.Abs(got.PodHours-want.PodHours) > 1e-9 || got.Scalings != want.Scalings || got.Flaps != want.Flaps || got.Peak != want.Peak {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
