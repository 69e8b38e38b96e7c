package decision

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestAStateIsReadAsItWasWritten(t *testing.T) {
	rules := Rules{Min: 1, Max: 10, StabilizationWindow: time.Minute}
	_, decided := Decide(start, rules, Input{8, 5}, State{})
	_, old := Decide(start.Add(time.Hour), rules, Input{8, 5}, decided)
	for name, state := range map[string]State{
		"nothing decided": {}, "decided": decided, "an hour later": old, "scaled": decided.Scaled(start.Add(time.Second), 8, 5),
		"no recommendation holds any more": {recommendations: history{}},
	} {
		text, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		var read State
		if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read, state) {
			t.Errorf("%s: %s is read as %+v, %v; want %+v", name, text, read, err, state)
		}
	}
	text, _ := json.Marshal(decided.Scaled(start, 8, 5))
	if want := `{"recommendations":[{"at":"2026-01-01T12:00:00Z","replicas":8},{"at":"2026-01-01T12:00:00Z","replicas":5}],"scaled":{"at":"2026-01-01T12:00:00Z","from":8,"to":5}}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestAStateOfOtherLimitsKeepsToTheseOnes(t *testing.T) {
	rules := Rules{Min: 1, Max: 20, StabilizationWindow: time.Minute}
	_, state := Decide(start, rules, Input{15, 15}, State{})
	rules.Max = 10
	if decided, _ := Decide(start.Add(time.Second), rules, Input{15, 2}, state); decided.Replicas != 10 || decided.Reasons() != "DesiredWithinRange,ScaleDownStabilized" {
		t.Errorf("got %+v, want 10 replicas, stabilized", decided)
	}
}

func TestADecisionAloneIsNoScaling(t *testing.T) {
	_, state := Decide(start, Rules{Max: 10}, Input{1, 5}, State{})
	if state.scaled != nil {
		t.Errorf("it says %+v", state.scaled)
	}
	if _, next := Decide(start, Rules{Max: 10}, Input{1, 5}, state.Scaled(start, 1, 5)); next.scaled == nil || *next.scaled != (scaling{start, 1, 5}) {
		t.Errorf("a later decision forgets it: %+v", next.scaled)
	}
}

// FuzzState decides with arbitrary states.
func FuzzState(f *testing.F) {
	for _, text := range []string{`{}`, `{"recommendations":[]}`, `{"recommendations":[{"at":"2026-01-01T12:00:00Z","replicas":8},{"at":"2026-01-01T11:00:00Z","replicas":9}]}`,
		`{"recommendations":[{"replicas":-1}]}`, `{"recommendations":null,"scaled":null}`, `[]`} {
		f.Add([]byte(text))
	}
	rules := Rules{Min: 1, Max: 10, StabilizationWindow: time.Minute}
	f.Fuzz(func(t *testing.T, text []byte) {
		var state State
		if json.Unmarshal(text, &state) != nil {
			return
		}
		decided, next := Decide(start, rules, Input{3, 4}, state)
		if decided.Replicas < 4 || decided.Replicas > rules.Max {
			t.Errorf("%s: got %+v", text, decided)
		}
		for i, r := range next.recommendations[1:] {
			if r.Replicas >= next.recommendations[i].Replicas {
				t.Errorf("%s: the recommendations do not fall: %+v", text, next.recommendations)
			}
		}
	})
}
