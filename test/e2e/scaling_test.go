package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestScalesUpAndDown(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	p := start(t, options{config: base(namespace), files: map[string]string{"evaluate.reply": `{"targetReplicas": 4}`}})
	scalesTo(t, namespace, 4)
	p.logs("scaled", "current=1", "replicas=4", "DesiredWithinRange")
	p.evaluates(2)
	scalesTo(t, namespace, 2)
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestStaysWithinTheLimits(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 3)
	p := start(t, options{config: base(namespace) + "minReplicas: 2\nmaxReplicas: 5\n", files: map[string]string{"evaluate.reply": `{"targetReplicas": 99}`}})
	scalesTo(t, namespace, 5)
	p.logs("scaled", "recommended=99", "replicas=5", "TooManyReplicas")
	p.evaluates(0)
	scalesTo(t, namespace, 2)
	p.logs("scaled", "recommended=0", "replicas=2", "TooFewReplicas")
}

func TestHoldsAScaleDownForTheWindow(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	p := start(t, options{config: base(namespace) + "downscaleStabilization: 4\n", files: map[string]string{"evaluate.reply": `{"targetReplicas": 4}`}})
	scalesTo(t, namespace, 4)
	p.evaluates(2)
	p.logs("kept replicas", "recommended=2", "replicas=4", "ScaleDownStabilized")
	held := p.lines("ScaleDownStabilized")[0]
	until := regexp.MustCompile(`holds until ([0-9:]{8})`).FindStringSubmatch(held)
	if until == nil {
		t.Fatalf("the log does not say until when: %s", held)
	}
	scalesTo(t, namespace, 2)
	p.logs("scaled", "replicas=2")
	scaled := p.lines("scaled", "replicas=2")[0]
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
	namespace := deploy(t, 2)
	p := start(t, options{config: base(namespace) + "minReplicas: 0\n", files: map[string]string{"evaluate.reply": `{"targetReplicas": 0}`}})
	scalesTo(t, namespace, 0)
	p.passes("evaluate", 2)
	p.evaluates(3)
	scalesTo(t, namespace, 3)
	p.logs("scaled", "current=0", "replicas=3")
}

func TestIsSwitchedOffAtZero(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 0)
	p := start(t, options{config: base(namespace) + "logVerbosity: 1\n", files: map[string]string{"evaluate.reply": `{"targetReplicas": 4}`}})
	p.logsMore(3, "kept replicas", "ScalingDisabled")
	if calls := p.read("calls"); calls != "" {
		t.Errorf("user logic was run for a target that is switched off:\n%s", calls)
	}
	if got := replicas(t, namespace); got != 0 {
		t.Errorf("the target has %d replicas, want 0", got)
	}
	setReplicas(t, namespace, 1)
	scalesTo(t, namespace, 4)
	p.logs("scaled", "current=1", "replicas=4")
}

func TestIsConfiguredByTheEnvironmentAlone(t *testing.T) {
	t.Parallel()
	namespace := deploy(t, 1)
	p := start(t, options{
		env: []string{
			`scaleTargetRef={"kind":"Deployment","name":"web","apiVersion":"apps/v1"}`, // as the operator writes it
			"namespace=" + namespace,
			`metric={"type":"shell","timeout":20000,"shell":{"entrypoint":"./record","command":["metric"]}}`,
			`evaluate={"type":"shell","timeout":20000,"shell":{"entrypoint":"./record","command":["evaluate"]}}`,
			"runMode=per-resource",
			"interval=300",
			"minReplicas=2",
			"maxReplicas=3",
		},
		files: map[string]string{"evaluate.reply": `{"targetReplicas": 9}`},
	})
	scalesTo(t, namespace, 3)
	p.evaluates(0)
	scalesTo(t, namespace, 2)
}

func TestStartsOneIntervalAfterAMultipleOfStartTime(t *testing.T) {
	t.Parallel()
	const startTime, interval = 5 * time.Second, 300 * time.Millisecond
	namespace := deploy(t, 1)
	before := time.Now()
	p := start(t, options{config: base(namespace) + "startTime: 5000\n", files: map[string]string{"evaluate.reply": `{"targetReplicas": 2}`}})
	p.logs("scaled", "replicas=2")
	first := before.Truncate(startTime).Add(startTime + interval)
	// The log's times are cut to milliseconds.
	if at := loggedAt(t, p.lines("scaled")[0]); at.Before(first.Truncate(time.Millisecond)) {
		t.Errorf("scaled at %s, want no sooner than %s", at, first)
	}
}

// lines are the lines of the log that have all the words.
func (p *program) lines(words ...string) []string {
	var found []string
	for line := range strings.Lines(p.log.String()) {
		if strings.HasSuffix(line, "\n") && containsAll(line, words) {
			found = append(found, line)
		}
	}
	return found
}

// logsMore waits for so many further lines that have all the words.
func (p *program) logsMore(more int, words ...string) {
	p.Helper()
	before := len(p.lines(words...))
	p.eventually("more log lines with "+strings.Join(words, ", "), func() (bool, error) {
		return len(p.lines(words...)) >= before+more, nil
	})
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
