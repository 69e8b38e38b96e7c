package plugin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// objectOf is shop/web-autoscaler for the Deployment web, with the status as written.
func objectOf(t *testing.T, status string) (object cpav1.CustomPodAutoscaler) {
	t.Helper()
	text := `
metadata: {namespace: shop, name: web-autoscaler, generation: 2}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
status: ` + status
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

const (
	up       = `{type: Ready, status: "True", reason: MinimumReplicasAvailable, message: "", lastTransitionTime: "2026-01-01T11:00:00Z"}`
	unknown  = `{type: Ready, status: "False", reason: UnknownTarget, message: "the API serves no Nonsense", lastTransitionTime: "2026-01-01T11:57:00Z"}`
	stopped  = `{type: Ready, status: "False", reason: Paused, message: the autoscaler is stopped, lastTransitionTime: "2026-01-01T11:00:00Z"}`
	running  = `{type: Paused, status: "False", reason: NotPaused, message: "", lastTransitionTime: "2026-01-01T11:00:00Z"}`
	held     = `{type: Paused, status: "True", reason: Paused, message: the target is held at 3 replicas, lastTransitionTime: "2026-01-01T11:00:00Z"}`
	many     = `{type: Paused, status: "False", reason: InvalidReplicas, message: it is no number, lastTransitionTime: "2026-01-01T11:00:00Z"}`
	failing  = `{type: ScalingActive, status: "False", reason: FailedComputeMetricsReplicas, message: evaluate broke, lastTransitionTime: "2026-01-01T11:59:00Z"}`
	decision = `minReplicas: 2, maxReplicas: 5, currentReplicas: 3, recommendedReplicas: 9, desiredReplicas: 5, lastScaleTime: "2026-01-01T11:59:48Z",
  reasons: [{reason: TooManyReplicas, message: "9 recommended, maxReplicas is 5"}]`
)

// with is a status of these conditions, with a decision.
func with(conditions ...string) string {
	return "{observedGeneration: 2, " + decision + ", conditions: [" + strings.Join(conditions, ", ") + "]}"
}

func TestAnObjectIsARow(t *testing.T) {
	for _, row := range []struct{ name, status, want string }{
		{"nobody has looked at it", "{}", "web-autoscaler Deployment/web - - - - - - - -"},
		{"healthy", with(up), "web-autoscaler Deployment/web 2 5 3 9 5 True 12s ago TooManyReplicas"},
		{"paused", with(stopped, held), "web-autoscaler Deployment/web 2 5 3 9 5 False (Paused) 12s ago TooManyReplicas"},
		{"nobody was asked", "{currentReplicas: 0, desiredReplicas: 0, reasons: [{reason: A}, {reason: B}]}", "web-autoscaler Deployment/web - - 0 - 0 - - A,B"},
	} {
		t.Run(row.name, func(t *testing.T) {
			cells := Row(objectOf(t, row.status), noon)
			if got := strings.Join(cells, " "); got != row.want || len(cells) != len(Columns) {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestWhatIsNotAsItShouldBeComesFirst(t *testing.T) {
	for _, row := range []struct {
		name, status string
		want         []string // the reasons
	}{
		{"healthy", with(up, running), nil},
		{"nobody has looked at it", "{}", []string{"NotSeen"}},
		{"the autoscaler fails", with(failing, up, running), []string{"FailedComputeMetricsReplicas"}},
		{"both fail", with(failing, unknown, running), []string{"UnknownTarget", "FailedComputeMetricsReplicas"}},
		{"an annotation cannot be read", with(up, many), []string{"InvalidReplicas"}},
		{"paused, which somebody wanted", with(stopped, held), nil},
		{"paused, after it failed", with(stopped, held, failing), nil},
		{"paused, and the target is not there any more", with(unknown, held), []string{"UnknownTarget"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, one := range Explain(objectOf(t, row.status), nil, nil).Trouble {
				got = append(got, one.Reason)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestWhyIsToldInSentences(t *testing.T) {
	events := []corev1.Event{{
		InvolvedObject: corev1.ObjectReference{Kind: "Deployment", Name: "web"}, Type: "Normal", Reason: "SuccessfulRescale", Message: "New size: 5", Count: 2,
		LastTimestamp: metav1.NewTime(noon.Add(-12 * time.Second)),
	}}
	for _, row := range []struct {
		name, status string
		events       []corev1.Event
		problem      error
		want         string
	}{
		{"healthy", with(up, running), events, nil, `CustomPodAutoscaler shop/web-autoscaler scales Deployment web to between 2 and 5 replicas.

It decided on 5 replicas last, of 3, when user logic asked for 9:
  TooManyReplicas: 9 recommended, maxReplicas is 5
It last scaled its target 2026-01-01 11:59:48 UTC (12s ago).
It is not paused.

The last events, the newest at the end:
  12s ago, Deployment/web: SuccessfulRescale (2 times): New size: 5
`},
		{"a pass failed, and the autoscaler knows what to do", strings.Replace(with(failing, up), "{", "{failure: {stage: metric, reason: FailedComputeMetricsReplicas, doing: running metric, cause: exit status 1, setting: metric.timeout, hint: raise it, retry: false}, ", 1), nil, nil, `CustomPodAutoscaler shop/web-autoscaler scales Deployment web to between 2 and 5 replicas.

ScalingActive is False (FailedComputeMetricsReplicas), since 2026-01-01 11:59:00 UTC (60s ago): running metric: exit status 1
  Setting: metric.timeout
  It does not go away by itself.
  What to do: raise it

It decided on 5 replicas last, of 3, when user logic asked for 9:
  TooManyReplicas: 9 recommended, maxReplicas is 5
It last scaled its target 2026-01-01 11:59:48 UTC (12s ago).
It is not paused.

There are no events about it or its target.
`},
		{"the target is unknown, and it was never run", "{observedGeneration: 1, conditions: [" + unknown + "]}", nil, nil, `CustomPodAutoscaler shop/web-autoscaler scales Deployment web.
The operator has not acted on its last change yet.

Ready is False (UnknownTarget), since 2026-01-01 11:57:00 UTC (3m ago): the API serves no Nonsense
  What to do: correct spec.scaleTargetRef, or install the CustomResourceDefinition of its kind

It has come to no decision yet.
It has not scaled its target so far.
It is not paused.

There are no events about it or its target.
`},
		{"paused", with(stopped, held), nil, fmt.Errorf("listing events: no"), `CustomPodAutoscaler shop/web-autoscaler scales Deployment web to between 2 and 5 replicas.

It decided on 5 replicas last, of 3, when user logic asked for 9:
  TooManyReplicas: 9 recommended, maxReplicas is 5
It last scaled its target 2026-01-01 11:59:48 UTC (12s ago).
It is paused: the target is held at 3 replicas. kubectl cpa resume -n shop web-autoscaler ends it.

Its events are not known: listing events: no
`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Explain(objectOf(t, row.status), row.events, row.problem).Text(noon); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

// TestThereIsAdviceForEveryReason that docs/custompodautoscaler.md has for a status that is not True.
func TestThereIsAdviceForEveryReason(t *testing.T) {
	page, err := os.ReadFile("../../docs/custompodautoscaler.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\|.*\\|[^|]*False[^|]*\\| (`.*`) \\|").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 10 {
		t.Fatalf("only %d rows were found: has the page changed?", len(rows))
	}
	fine := []string{"MinimumReplicasAvailable", "Paused", "Pausing", "NotPaused", "DesiredWithinRange"}
	for _, row := range rows {
		for reason := range strings.SplitSeq(row[1], ", ") {
			reason = strings.Trim(reason, "`")
			if advices[reason] == "" && !slices.Contains(fine, reason) {
				t.Errorf("there is no advice about %s", reason)
			}
		}
	}
}

func TestAdviceIsAboutTheObject(t *testing.T) {
	object := objectOf(t, "{}")
	for _, row := range []struct{ reason, want string }{
		{"InvalidTime", "kubectl cpa resume -n shop web-autoscaler"},
		{"FailedGetExternalMetric", "kubectl get apiservices"},
		{"OfALaterVersion", "kubectl logs -n shop -l v1.custompodautoscaler.com/owned-by=web-autoscaler"},
	} {
		if got := advice(object, row.reason); !strings.Contains(got, row.want) {
			t.Errorf("%s: got %q", row.reason, got)
		}
	}
}

func TestEventsAreThereOnceAndInOrder(t *testing.T) {
	event := func(minute int, kind, message string) corev1.Event {
		return corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: kind}, Message: message, LastTimestamp: metav1.NewTime(noon.Add(time.Duration(minute) * time.Minute))}
	}
	all := []corev1.Event{event(3, "CustomPodAutoscaler", "c"), event(1, "CustomPodAutoscaler", "a"), event(1, "Deployment", "a"), event(2, "Deployment", "b")}
	byMicroTime := corev1.Event{Message: "d", EventTime: metav1.NewMicroTime(noon.Add(4 * time.Minute))}
	series := corev1.Event{Message: "e", Series: &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(noon.Add(5 * time.Minute))}}
	got := ""
	for _, one := range latest(append([]corev1.Event{series, byMicroTime}, all...)) {
		got += one.Message + one.InvolvedObject.Kind + " "
	}
	if got != "aCustomPodAutoscaler bDeployment cCustomPodAutoscaler d e " {
		t.Errorf("got %s", got)
	}
	var lots []corev1.Event
	for minute := range 3 * mostEvents {
		lots = append(lots, event(minute, "Deployment", fmt.Sprint(minute)))
	}
	if last := latest(lots); len(last) != mostEvents || last[mostEvents-1].Message != "29" {
		t.Errorf("of %d there are %d, the last is %s", len(lots), len(last), last[len(last)-1].Message)
	}
}

func TestAPauseEndsAtAWholeSecondAndNotBefore(t *testing.T) {
	for _, row := range []struct {
		now  time.Time
		long time.Duration
		want string
	}{
		{noon, 2 * time.Hour, "2026-01-01T14:00:00Z"},
		{noon.Add(time.Nanosecond), 2 * time.Hour, "2026-01-01T14:00:01Z"},
		{noon.Add(999 * time.Millisecond), time.Millisecond, "2026-01-01T12:00:01Z"},
		{noon, 0, "0001-01-01T00:00:00Z"}, // it does not end by itself
	} {
		if got := Until(row.now, row.long).Format(time.RFC3339); got != row.want {
			t.Errorf("%s after %s: got %s, want %s", row.long, row.now, got, row.want)
		}
	}
}

func TestAnOlderPauseIsAnother(t *testing.T) {
	for _, row := range []struct {
		name, status, message string
		until                 time.Time
		want                  bool
	}{
		{"just so", "True", "the target is held at 3 replicas", time.Time{}, true},
		{"with more to say", "True", "the target is held at 3 replicas; stop its autoscaler yourself", time.Time{}, true},
		{"until then", "True", "the target is held at 3 replicas until 2026-01-01T12:00:00Z", noon, true},
		{"not yet", "False", "the target is held at 3 replicas", time.Time{}, false},
		{"at another number", "True", "the target is held at 33 replicas", time.Time{}, false},
		{"until some time, where it should be for good", "True", "the target is held at 3 replicas until 2026-01-01T12:00:00Z", time.Time{}, false},
		{"for good, where it should be until then", "True", "the target is held at 3 replicas", noon, false},
		{"until another time", "True", "the target is held at 3 replicas until 2026-01-01T13:00:00Z", noon, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			status := fmt.Sprintf("{conditions: [{type: Paused, status: %q, reason: Paused, message: %q}]}", row.status, row.message)
			if got := Paused(3, row.until)(objectOf(t, status)); got != row.want {
				t.Errorf("got %t", got)
			}
		})
	}
	if Paused(3, time.Time{})(objectOf(t, "{}")) || !Resumed(objectOf(t, "{}")) {
		t.Error("an object that nobody has looked at is paused")
	}
}

func TestThePodThatAnswersIsOneThatRuns(t *testing.T) {
	const (
		isReady  = `{metadata: {name: ready}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`
		unready  = `{metadata: {name: unready}, status: {phase: Running, conditions: [{type: Ready, status: "False"}]}}`
		pending  = `{metadata: {name: pending}, status: {phase: Pending}}`
		deleting = `{metadata: {name: deleting, deletionTimestamp: "2026-01-01T12:00:00Z"}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`
	)
	for _, row := range []struct{ name, pods, status, want, err string }{
		{"one that is ready", "[" + unready + "," + isReady + "]", "{}", "ready", ""},
		{"one that runs, if none is ready", "[" + pending + "," + unready + "]", "{}", "unready", ""},
		{"none", "[]", "{}", "", `there is none with the label v1.custompodautoscaler.com/owned-by=web-autoscaler in namespace "shop": kubectl cpa why -n shop web-autoscaler`},
		{"none, since it is paused", "[]", "{conditions: [" + held + "]}", "", "shop/web-autoscaler is paused: kubectl cpa resume -n shop web-autoscaler first"},
		{"one that does not run yet", "[" + pending + "]", "{}", "", `none runs, and pod "pending" is Pending: kubectl cpa why`},
		{"one that is about to end", "[" + deleting + "]", "{}", "", `none runs, and pod "deleting" is about to end`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var pods []corev1.Pod
			if err := yaml.Unmarshal([]byte(row.pods), &pods); err != nil {
				t.Fatal(err)
			}
			got, err := RunningPod(objectOf(t, row.status), pods)
			if got != row.want || (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// TestWhatAnotherProgramAnswers: that the autoscaler's own answers are understood is shown end to end.
func TestWhatAnotherProgramAnswers(t *testing.T) {
	for _, row := range []struct {
		name, evaluation, latest string
		code                     int // of the latter
		want, err                string
	}{
		{"an autoscaler that keeps no record", `{"targetReplicas": 5, "recommendation": 9}`, `{"message": "Resource not found", "code": 404}`, 404, "It would have 5 replicas; the autoscaler keeps no record of why.", ""},
		{"one that is stopping", `{"targetReplicas": 5}`, `{"message": "stopping", "code": 503}`, 503, "", "the autoscaler answered 503 Service Unavailable: stopping"},
		{"a page", "<html>", "", 200, "", "is it another program that serves the port (--port)?"},
		{"an error that is none of ours", `{}`, "no\n", 400, "", "the autoscaler answered 400 Bad Request: no"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.String() == "/api/v1/evaluation?dry_run=true" && r.Method == http.MethodPost {
					_, _ = w.Write([]byte(row.evaluation))
					return
				}
				w.WriteHeader(row.code)
				_, _ = w.Write([]byte(row.latest))
			}))
			defer server.Close()
			proposal, err := Ask(t.Context(), strings.TrimPrefix(server.URL, "http://"))
			if err == nil && proposal.Text(noon) != row.want || (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("got %+v, %v", proposal, err)
			}
		})
	}
}
