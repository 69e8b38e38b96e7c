package decision

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// State is what the decisions to come depend on: what was recommended, and the last scaling. The zero State is that of an
// autoscaler that has decided nothing yet. It is a value that only this package looks into; its JSON is for keeping it.
type State struct {
	recommendations history // nil before the first decision
	scaled          *scaling
}

// scaling is a change of replicas that was carried out.
type scaling struct {
	At   time.Time `json:"at"`
	From int32     `json:"from"`
	To   int32     `json:"to"`
}

// Scaled is the state after the target was scaled, which a decision alone does not bring about.
func (s State) Scaled(now time.Time, from, to int32) State {
	s.scaled = &scaling{now, from, to}
	return s
}

// kept is a State as JSON has it.
type kept struct {
	Recommendations history  `json:"recommendations,omitzero"`
	Scaled          *scaling `json:"scaled,omitempty"`
}

// MarshalJSON writes the state so that it can be read again.
func (s State) MarshalJSON() ([]byte, error) { return json.Marshal(kept{s.recommendations, s.scaled}) }

// UnmarshalJSON reads a state that was written, or a text that only looks like one: its recommendations are put in order.
func (s *State) UnmarshalJSON(text []byte) error {
	var read kept
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*s = State{scaled: read.Scaled}
	if read.Recommendations == nil {
		return nil
	}
	s.recommendations = history{}
	slices.SortStableFunc(read.Recommendations, func(a, b recommendation) int { return a.At.Compare(b.At) })
	for _, r := range read.Recommendations {
		if r.Replicas < 0 {
			return fmt.Errorf("a state has a recommendation of %d replicas", r.Replicas)
		}
		s.recommendations = s.recommendations.record(r.At, r.Replicas)
	}
	return nil
}

// history is the recommendations that can still hold a later one up, oldest first. A recommendation that is followed
// by one at least as high never can again, so the numbers always fall, and the history is no longer than the range of
// replicas is wide, however short the interval and long the window:
//
//	recommended  3 8 5 5 7 2
//	kept           8     7 2
type history []recommendation

// recommendation is a number of replicas, within the limits, and when it was recommended.
type recommendation struct {
	At       time.Time `json:"at"`
	Replicas int32     `json:"replicas"`
}

// within leaves out what is older than the window; a window of nothing holds nothing. It never gives nil: a history
// that has grown old is still one.
func (h history) within(window time.Duration, now time.Time) history {
	kept := history{}
	for _, r := range h {
		if window > 0 && now.Sub(r.At) <= window {
			kept = append(kept, r)
		}
	}
	return kept
}

func (h history) record(at time.Time, replicas int32) history {
	kept := history{}
	for _, r := range h {
		if r.Replicas > replicas {
			kept = append(kept, r)
		}
	}
	return append(kept, recommendation{at, replicas})
}

func (h history) highest() recommendation { return h[0] }
