package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// forbidden is an error that somebody has to do something about.
var forbidden = &fault.Fault{Err: errors.New("forbidden"), Hint: "add the right", Lasts: true}

// healthAt gives a Health whose first pass is due after 20 seconds, with a limit of 10, and its clock.
func healthAt() (*Health, *time.Time) {
	now := noon
	return NewHealth(func() time.Time { return now }, 20*time.Second, 10*time.Second), &now
}

func TestTheLoopIsAliveWhilePassesEnd(t *testing.T) {
	health, now := healthAt()
	for _, row := range []struct {
		name  string
		at    int
		pass  userlogic.RunType // "" if none ends
		fails bool
		alive bool
	}{
		{"no pass is due yet", 19, "", false, true},
		{"the first takes its time", 30, "", false, true},
		{"it does not end", 31, "", false, false},
		{"it has ended", 32, userlogic.Scaler, false, true},
		{"a pass that fails ends, too", 42, userlogic.Scaler, true, true},
		{"none has ended for as long as the limit", 52, "", false, true},
		{"nor for longer", 53, "", false, false},
		{"a call of the API does not speak for the loop", 54, userlogic.API, false, false},
	} {
		*now = noon.Add(time.Duration(row.at) * time.Second)
		if pass := decidedOn(1, 1, 1); row.pass != "" && row.fails {
			health.Pass(t.Context(), as(row.pass, failedWith(errors.New("broken"))))
		} else if row.pass != "" {
			health.Pass(t.Context(), as(row.pass, pass))
		}
		if err := health.Alive(); (err == nil) != row.alive {
			t.Errorf("%s: got %v, want alive: %t", row.name, err, row.alive)
		}
	}
	if err := health.Alive(); !strings.Contains(err.Error(), "no pass has ended for 12s, and with all timeouts it takes 10s at most") {
		t.Errorf("it says %v", err)
	}
}

func TestItIsReadyOnceTheTargetWasReadAndNobodyHasToDoSomething(t *testing.T) {
	gone := fmt.Errorf("reading: %w", &fault.Fault{Err: errors.New("not found"), Lasts: true})
	health, now := healthAt()
	for _, row := range []struct {
		name  string
		at    int
		err   error // of the pass; nil if it succeeded
		ready bool
	}{
		{"a right is missing from the start", 0, forbidden, false},
		{"the cluster is away", 1, errors.New("connection refused"), false}, // so the target has not been read
		{"it has been read", 2, nil, true},
		{"the cluster is away again", 3, errors.New("connection refused"), true},
		{"the target is gone", 4, gone, true},
		{"it is gone for long", 34, gone, false},
		{"it is back", 35, nil, true},
		{"a passing 403", 40, fmt.Errorf("scaling: %w", forbidden), true},
		{"several of them", 45, fmt.Errorf("scaling: %w", forbidden), true},
		{"they are over", 50, nil, true},
		{"a right is missing", 60, fmt.Errorf("scaling: %w", forbidden), true},
		{"one that the user logic does not ask for", 75, errors.New("exit status 1"), true},
		{"it is missing again", 80, fmt.Errorf("scaling: %w", forbidden), true},
		{"still", 95, fmt.Errorf("scaling: %w", forbidden), true},
		{"half a minute later", 110, fmt.Errorf("scaling: %w", forbidden), false},
		{"it was given", 111, nil, true},
		{"the token is not accepted", 120, forbidden, true},
		{"after a long interval it still is not", 900, forbidden, false},
		{"user logic fails", 901, errors.New("exit status 1"), true},
	} {
		*now = noon.Add(time.Duration(row.at) * time.Second)
		pass := decidedOn(1, 1, 1)
		pass.Target = corev1.ObjectReference{Name: "web"}
		if row.err != nil {
			pass = failedWith(row.err)
		}
		health.Pass(t.Context(), pass)
		if err := health.Ready(); (err == nil) != row.ready {
			t.Errorf("%s: got %v, want ready: %t", row.name, err, row.ready)
		}
	}
}

// One pass that failed says nothing about the next one, however long that is not due.
func TestHealthOfOneFailedPassOfALongInterval(t *testing.T) {
	health, now := healthAt()
	pass := decidedOn(1, 1, 1)
	pass.Target = corev1.ObjectReference{Name: "web"}
	health.Pass(t.Context(), pass)
	health.Pass(t.Context(), failedWith(forbidden))
	*now = noon.Add(time.Hour)
	if err := health.Ready(); err != nil {
		t.Error(err)
	}
}

func TestTheAgeIsThatOfTheLastSuccess(t *testing.T) {
	health, now := healthAt()
	*now = noon.Add(5 * time.Second)
	health.Pass(t.Context(), failedWith(errors.New("broken")))
	health.Pass(t.Context(), as(userlogic.APIDryRun, decidedOn(1, 1, 1)))
	if age := health.SinceSuccess(); age != 5 {
		t.Errorf("%v s since the start, want 5", age)
	}
	health.Pass(t.Context(), decidedOn(1, 1, 1))
	*now = noon.Add(7 * time.Second)
	if age := health.SinceSuccess(); age != 2 {
		t.Errorf("%v s since the last success, want 2", age)
	}
}
