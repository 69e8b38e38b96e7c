package report

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// failedIn is a pass that had read its target, and failed later.
func failedIn(p pass.Pass, stage, reason string) pass.Pass {
	p.RunType, p.Target = userlogic.Scaler, corev1.ObjectReference{Name: "web"}
	p.Failure = &pass.Failure{Stage: stage, Reason: reason, Err: errors.New("broken")}
	return p
}

var (
	within  = decision.Step{Reason: decision.DesiredWithinRange, Message: "within"}
	tooMany = decision.Step{Reason: decision.TooManyReplicas, Message: "30 recommended, maxReplicas is 10"}
	held    = decision.Step{Reason: decision.ScaleDownStabilized, Message: "5 was recommended"}
)

// TestConditions has those that one pass leads to, as T or F with the reason.
func TestConditions(t *testing.T) {
	incomplete := decidedOn(3, 3, 3, within)
	incomplete.MetricsProblem = errors.New("no cpu")
	for _, row := range []struct {
		name string
		pass pass.Pass
		want string
		says string // in one of the messages
	}{
		{"scales", decidedOn(1, 3, 3, within), "T SucceededRescale, T ValidMetricFound, F DesiredWithinRange", "scaled from 1 to 3"},
		{"keeps", decidedOn(3, 3, 3, within), "T ReadyForNewScale, T ValidMetricFound, F DesiredWithinRange", "has as many replicas"},
		{"is limited", decidedOn(1, 30, 10, tooMany), "T SucceededRescale, T ValidMetricFound, T TooManyReplicas", "maxReplicas is 10"},
		{"is held", decidedOn(5, 3, 5, within, held), "T ScaleDownStabilized, T ValidMetricFound, F DesiredWithinRange", "5 was recommended"},
		{"is switched off", pass.Pass{RunType: userlogic.Scaler, Decision: new(decision.Disabled())},
			"T SucceededGetScale, F ScalingDisabled, F DesiredWithinRange", "minReplicas is not 0"},
		{"goes on without some metrics", incomplete, "T ReadyForNewScale, T ValidMetricFound, F DesiredWithinRange", "without some Kubernetes metrics: no cpu"},
		{"cannot read the target", failedWith(errors.New("gone")), "F FailedGetScale", "gone"},
		{"has no metrics", failedIn(pass.Pass{}, "kubernetes_metrics", "FailedGetResourceMetric"), "T SucceededGetScale, F FailedGetResourceMetric", "broken"},
		{"cannot scale", failedIn(decidedOn(1, 30, 10, tooMany), "scale", "FailedRescale"), "F FailedUpdateScale, T ValidMetricFound, T TooManyReplicas", "broken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got, messages []string
			page := pageOf(t)
			for _, c := range after(cpav1.Status{}, row.pass).Conditions {
				got, messages = append(got, string(c.Status[:1])+" "+c.Reason), append(messages, c.Message)
				if word := strings.Replace(c.Reason, "FailedGetResource", "FailedGet...", 1); !strings.Contains(page, "`"+word+"`") {
					t.Errorf("docs/custompodautoscaler.md does not have the reason %s", word)
				}
			}
			if strings.Join(got, ", ") != row.want || !strings.Contains(strings.Join(messages, "\n"), row.says) {
				t.Errorf("got %s\nwant %s\nsaying %q\nwant %q", strings.Join(got, ", "), row.want, messages, row.says)
			}
		})
	}
}

func pageOf(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/custompodautoscaler.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// summary is a status in short: current>recommended>desired, when it last scaled, and since when it is able to, as
// seconds after noon.
func summary(s cpav1.Status) string {
	number := func(n *int32) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	text := number(s.CurrentReplicas) + ">" + number(s.RecommendedReplicas) + ">" + number(s.DesiredReplicas)
	if s.LastScaleTime != nil {
		text += fmt.Sprintf(" scaled %v", s.LastScaleTime.Sub(noon).Seconds())
	}
	for _, c := range s.Conditions {
		if c.Type == cpav1.AbleToScale {
			text += fmt.Sprintf(" %s since %v", c.Status, c.LastTransitionTime.Sub(noon).Seconds())
		}
	}
	return text
}

func TestTheStatusKeepsWhatAPassDoesNotComeTo(t *testing.T) {
	status := cpav1.Status{}
	for i, row := range []struct {
		pass pass.Pass
		want string
	}{
		{decidedOn(1, 3, 3, within), "1>3>3 scaled 0 True since 0"},
		{decidedOn(3, 3, 3, within), "3>3>3 scaled 0 True since 0"},
		{failedWith(errors.New("gone")), "3>3>3 scaled 0 False since 2"},
		{failedIn(pass.Pass{}, "metric", "FailedComputeMetricsReplicas"), "3>3>3 scaled 0 True since 3"},
		{failedIn(decidedOn(3, 5, 5, within), "scale", "FailedRescale"), "3>5>5 scaled 0 False since 4"},
		{pass.Pass{RunType: userlogic.Scaler, Decision: new(decision.Disabled())}, "0>->0 scaled 0 True since 5"},
	} {
		row.pass.Began = noon.Add(time.Duration(i) * time.Second)
		before := summary(status)
		next := after(status, row.pass)
		if got := summary(next); got != row.want || summary(status) != before {
			t.Errorf("pass %d: got %s, want %s (and what it was before is %s now, and was %s)", i, got, row.want, summary(status), before)
		}
		status = next
	}
	if got := len(status.Conditions); got != 3 || status.Reasons[0].Reason != "ScalingDisabled" {
		t.Errorf("got %d conditions, %v", got, status.Reasons)
	}
}

// errTold is an error with all there is.
var errTold = fmt.Errorf("it broke: %w", &fault.Fault{Doing: "listing pods", Err: errors.New("forbidden to password=s3cr3t"), Setting: "kubernetesMetricSpecs[0]", Hint: "add the right", Lasts: true})

func TestTheStatusHasWhatIsKnownOfAFailure(t *testing.T) {
	failed := after(cpav1.Status{}, failedWith(errTold))
	want := cpav1.Failure{
		Stage: "read_target", Reason: "FailedGetScale", Doing: "listing pods", Cause: "it broke: forbidden to password=***",
		Setting: "kubernetesMetricSpecs[0]", Hint: "add the right",
	}
	if failed.Failure == nil || *failed.Failure != want {
		t.Errorf("got %+v, want %+v", failed.Failure, want)
	}
	if passed := after(failed, decidedOn(1, 1, 1, within)); passed.Failure != nil {
		t.Errorf("after a pass that succeeds: %+v", passed.Failure)
	}
}

// place is where a status is kept; it notes what is written, and when.
type place struct {
	began time.Time
	there cpav1.Status
	fails int
	wrote []string
}

func (p *place) load(context.Context) (cpav1.Status, error) { return p.there, p.fail() }

func (p *place) save(_ context.Context, s cpav1.Status) error {
	if err := p.fail(); err != nil {
		return err
	}
	p.wrote = append(p.wrote, fmt.Sprintf("%v: %s", time.Since(p.began).Seconds(), summary(s)))
	return nil
}

func (p *place) fail() error {
	if p.fails--; p.fails >= 0 {
		return errors.New("away")
	}
	return nil
}

func (p *place) status(every time.Duration) *Status {
	p.began = time.Now()
	s := &Status{Load: p.load, Save: p.save, Wrote: func(error) {}, Rules: decision.Rules{Min: 1, Max: 10}, Every: every}
	return s.Start()
}

// playedTo runs a status for a minute, with a pass every second that has so many replicas.
func playedTo(t *testing.T, p *place, every time.Duration, replicas ...int32) {
	synctest.Test(t, func(t *testing.T) {
		s := p.status(every)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()
		for _, n := range replicas {
			synctest.Wait()
			made := decidedOn(n, n, n, within)
			made.Began = noon
			s.Pass(ctx, made)
			s.Pass(ctx, as(userlogic.APIDryRun, decidedOn(n, 99, 99, within)))
			s.Pass(ctx, pass.Pass{Failure: &pass.Failure{Reason: pass.LeaseNotHeld, Err: errors.New("a holds it")}})
			time.Sleep(time.Second)
		}
		<-done
		s.Close(t.Context())
	})
}

func TestTheStatusIsWrittenWhenItIsNewsAndNotTooOften(t *testing.T) {
	for _, row := range []struct {
		name     string
		place    place
		every    time.Duration
		replicas []int32
		want     string
	}{
		{"each pass is news", place{}, time.Second, []int32{1, 2}, "0: 1>1>1 True since 0, 1: 2>2>2 True since 0"},
		{"nothing is", place{}, time.Second, []int32{1, 1, 1}, "0: 1>1>1 True since 0"},
		{"passes come faster than an interval", place{}, 3500 * time.Millisecond, []int32{1, 2, 3, 4, 5}, "0: 1>1>1 True since 0, 3.5: 4>4>4 True since 0, 7: 5>5>5 True since 0"},
		{"what comes last is written at the stop", place{}, time.Hour, []int32{1, 2, 3}, "0: 1>1>1 True since 0, 60: 3>3>3 True since 0"},
		{"the API is away for a while", place{fails: 2}, time.Second, []int32{1}, "2: 1>1>1 True since 0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			playedTo(t, &row.place, row.every, row.replicas...)
			if got := strings.Join(row.place.wrote, ", "); got != row.want {
				t.Errorf("\n got %s\nwant %s", got, row.want)
			}
		})
	}
}

// TestARestartGoesOnWithTheStatus: it has not forgotten when the target was scaled, and nothing is news.
func TestARestartGoesOnWithTheStatus(t *testing.T) {
	scaled := metav1.NewTime(noon.Add(-time.Hour))
	ours := after((&Status{Rules: decision.Rules{Min: 1, Max: 10}}).Start().now, decidedOn(2, 2, 2, within))
	for i := range ours.Conditions {
		ours.Conditions[i].LastTransitionTime = scaled
	}
	ours.LastScaleTime, ours.ObservedGeneration = &scaled, 7
	ours.Conditions = append(ours.Conditions, metav1.Condition{Type: cpav1.Ready, Status: metav1.ConditionTrue})
	p := place{there: ours}
	playedTo(t, &p, time.Second, 2, 3)
	if got := strings.Join(p.wrote, ", "); got != "1: 3>3>3 scaled -3600 True since -3600" {
		t.Errorf("it wrote %s", got)
	}
}
