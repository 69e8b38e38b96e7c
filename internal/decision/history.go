package decision

import "time"

// History is the recommendations that can still hold a later one up, oldest first. A recommendation that is followed
// by one at least as high never can again, so the numbers always fall, and the history is no longer than the range of
// replicas is wide, however short the interval and long the window:
//
//	recommended  3 8 5 5 7 2
//	kept           8     7 2
type History []Recommendation

// Recommendation is a number of replicas, within the limits, and when it was recommended.
type Recommendation struct {
	At       time.Time
	Replicas int32
}

// within leaves out what is older than the window; a window of nothing holds nothing. It never gives nil: a history
// that has grown old is still one.
func (h History) within(window time.Duration, now time.Time) History {
	kept := History{}
	for _, r := range h {
		if window > 0 && now.Sub(r.At) <= window {
			kept = append(kept, r)
		}
	}
	return kept
}

func (h History) record(at time.Time, replicas int32) History {
	kept := History{}
	for _, r := range h {
		if r.Replicas > replicas {
			kept = append(kept, r)
		}
	}
	return append(kept, Recommendation{at, replicas})
}

func (h History) highest() Recommendation { return h[0] }
