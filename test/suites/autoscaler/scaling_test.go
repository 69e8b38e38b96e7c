package autoscaler

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestScalesUpAndDown(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: map[string]string{"evaluate.reply": `{"targetReplicas": 4}`}})
	harness.ScalesTo(t, namespace, 4)
	p.Logs("scaled", "current=1", "replicas=4", "DesiredWithinRange")
	p.Evaluates(2)
	harness.ScalesTo(t, namespace, 2)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestStaysWithinTheLimits(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 3)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "minReplicas: 2\nmaxReplicas: 5\n", Files: map[string]string{"evaluate.reply": `{"targetReplicas": 99}`}})
	harness.ScalesTo(t, namespace, 5)
	p.Logs("scaled", "recommended=99", "replicas=5", "TooManyReplicas")
	p.Evaluates(0)
	harness.ScalesTo(t, namespace, 2)
	p.Logs("scaled", "recommended=0", "replicas=2", "TooFewReplicas")
}

func TestHoldsAScaleDownForTheWindow(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "downscaleStabilization: 4\n", Files: map[string]string{"evaluate.reply": `{"targetReplicas": 4}`}})
	harness.ScalesTo(t, namespace, 4)
	p.Evaluates(2)
	p.Logs("kept replicas", "recommended=2", "replicas=4", "ScaleDownStabilized")
	held := p.Lines("ScaleDownStabilized")[0]
	until := regexp.MustCompile(`holds until ([0-9:]{8})`).FindStringSubmatch(held)
	if until == nil {
		t.Fatalf("the log does not say until when: %s", held)
	}
	harness.ScalesTo(t, namespace, 2)
	p.Logs("scaled", "replicas=2")
	scaled := p.Lines("scaled", "replicas=2")[0]
	if at := loggedAt(t, scaled); at.Before(onTheDayOf(t, at, until[1])) {
		t.Errorf("scaled down at %s, want no sooner than %s", at, until[1])
	}
}

// onTheDayOf is the last time, up to a minute after the given one, at which a clock shows this.
func onTheDayOf(t *testing.T, at time.Time, clock string) time.Time {
	t.Helper()
	shown, err := time.Parse(time.DateTime, at.UTC().Format(time.DateOnly)+" "+clock)
	if err != nil {
		t.Fatal(err)
	}
	if shown.Sub(at) > time.Minute { // midnight is between them
		shown = shown.AddDate(0, 0, -1)
	}
	return shown
}

func TestScalesToZeroAndFromZeroWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "minReplicas: 0\n", Files: map[string]string{"evaluate.reply": `{"targetReplicas": 0}`}})
	harness.ScalesTo(t, namespace, 0)
	p.Passes("evaluate", 2)
	p.Evaluates(3)
	harness.ScalesTo(t, namespace, 3)
	p.Logs("scaled", "current=0", "replicas=3")
}

func TestIsSwitchedOffAtZero(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 0)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "logVerbosity: 1\n", Files: map[string]string{"evaluate.reply": `{"targetReplicas": 4}`}})
	p.LogsMore(3, "kept replicas", "ScalingDisabled")
	if calls := p.Read("calls"); calls != "" {
		t.Errorf("user logic was run for a target that is switched off:\n%s", calls)
	}
	if got := harness.Replicas(t, namespace); got != 0 {
		t.Errorf("the target has %d replicas, want 0", got)
	}
	harness.SetReplicas(t, namespace, 1)
	harness.ScalesTo(t, namespace, 4)
	p.Logs("scaled", "current=1", "replicas=4")
}

func TestIsConfiguredByTheEnvironmentAlone(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{
		Env: []string{
			`scaleTargetRef={"kind":"Deployment","name":"web","apiVersion":"apps/v1"}`, // as the operator writes it
			"namespace=" + namespace,
			`metric={"type":"shell","timeout":20000,"shell":{"entrypoint":"./record","command":["metric"]}}`,
			`evaluate={"type":"shell","timeout":20000,"shell":{"entrypoint":"./record","command":["evaluate"]}}`,
			"runMode=per-resource",
			"interval=300",
			"minReplicas=2",
			"maxReplicas=3",
		},
		Files: map[string]string{"evaluate.reply": `{"targetReplicas": 9}`},
	})
	harness.ScalesTo(t, namespace, 3)
	p.Evaluates(0)
	harness.ScalesTo(t, namespace, 2)
}

func TestStartsOneIntervalAfterAMultipleOfStartTime(t *testing.T) {
	t.Parallel()
	const startTime, interval = 5 * time.Second, 300 * time.Millisecond
	namespace := harness.Deploy(t, 1)
	before := time.Now()
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "startTime: 5000\n", Files: map[string]string{"evaluate.reply": `{"targetReplicas": 2}`}})
	p.Logs("scaled", "replicas=2")
	first := before.Truncate(startTime).Add(startTime + interval)
	// The log's times are cut to milliseconds.
	if at := loggedAt(t, p.Lines("scaled")[0]); at.Before(first.Truncate(time.Millisecond)) {
		t.Errorf("scaled at %s, want no sooner than %s", at, first)
	}
}

// loggedAt is the time that a line of the log begins with.
func loggedAt(t *testing.T, line string) time.Time {
	t.Helper()
	written, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
	at, err := time.Parse(time.RFC3339, written)
	if err != nil {
		t.Fatalf("reading the time of %q: %v", line, err)
	}
	return at
}

// perPod is harness.BaseConfig in the other mode.
func perPod(namespace string) string {
	return strings.Replace(harness.BaseConfig(namespace), "runMode: per-resource", "runMode: per-pod", 1)
}
