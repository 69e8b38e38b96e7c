package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sys/unix"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
	serving "github.com/custom-pod-autoscaler/autoscaler/v3/userlogic/worker"
)

// goWorker is set for the test binary to be a worker itself.
const goWorker = "METHOD_TEST_WORKER"

// beWorker is a worker in Go: a document is what it is to do.
func beWorker() {
	var busy atomic.Int64
	err := serving.Serve(context.Background(), 8, func(_ context.Context, document json.RawMessage) (any, error) {
		var todo struct {
			Sleep, Words int
			Panic, Count bool
			Error        string
			Reply        any
		}
		if err := json.Unmarshal(document, &todo); err != nil {
			return nil, err
		}
		count := busy.Add(1)
		defer busy.Add(-1)
		time.Sleep(time.Duration(todo.Sleep) * time.Millisecond)
		if todo.Count {
			return count, nil
		}
		for range todo.Words {
			fmt.Println("a word")
		}
		if todo.Panic {
			panic("no way")
		}
		if todo.Error != "" {
			return nil, errors.New(todo.Error)
		}
		return todo.Reply, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// kept is a method whose worker is of this command.
func kept(entrypoint string, command ...string) logic {
	return logic{Timeout: 5_000, MaxReplyBytes: 1 << 20, Worker: &Settings{
		Entrypoint: entrypoint, Command: command, Concurrency: 1, StartTimeout: 5_000}}
}

// hello is how a worker in shell begins.
const hello = `read -r line; echo '{"cpaWorker":{"version":1}}'; `

// talks is a method whose worker is a shell script that has said hello, and notes each start.
func talks(script string) logic {
	return kept("/bin/sh", "-c", `echo $$ >>$DIR/starts; `+hello+script)
}

// echoes is a worker in shell that replies to each document with "ok".
const echoes = `id=0; while read -r line; do id=$((id+1)); echo '{"id":'$id',"reply":"ok"}'; done`

// inGo is a method whose worker is in Go, and does so much at a time.
func inGo(t *testing.T, concurrency int) logic {
	t.Helper()
	t.Setenv(goWorker, "yes")
	m := kept(os.Args[0])
	m.Worker.Concurrency = concurrency
	return m
}

// started gives how often the worker was.
func startsOf(t *testing.T, dir string) []int {
	t.Helper()
	text, _ := os.ReadFile(filepath.Join(dir, "starts")) // there is none before the first
	var pids []int
	for line := range strings.Lines(string(text)) {
		pids = append(pids, methodtest.Number(t, line))
	}
	return pids
}

// newKept is the runner of a worker in a folder of its own, which is closed with the test and leaves no process then.
func newKept(t *testing.T, m logic) (runner *method.Method, dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("DIR", dir)
	runner = mustNew(t, m)
	t.Cleanup(func() {
		runner.Close()
		methodtest.NobodyIsLeft(t)
	})
	return runner, dir
}

func TestWorkerAnswers(t *testing.T) {
	for _, row := range []struct {
		name, answer string
		limit        int64
		reply        string
		says         []string
	}{
		{name: "text is taken verbatim", answer: `{"id":1,"reply":"{\"targetReplicas\": 3}\n"}`, reply: "{\"targetReplicas\": 3}\n"},
		{name: "text may be empty", answer: `{"id":1,"reply":""}`, reply: ""},
		{name: "an object is taken as it is written", answer: `{"id":1,"reply":{"targetReplicas":  3}}`, reply: `{"targetReplicas":  3}`},
		{name: "a number is taken as it is written", answer: `{"id":1,"reply":1.50}`, reply: "1.50"},
		{name: "null is taken as it is written", answer: `{"id":1,"reply":null}`, reply: "null"},
		{name: "what is not known is left alone", answer: `{"reply":"ok","took":3,"id":1,"error":null}`, reply: "ok"},
		{name: "blanks around it are left alone", answer: `  {"id":1,"reply":"ok"}  `, reply: "ok"},
		{name: "an error fails its document", answer: `{"id":1,"error":"no queue"}`, says: []string{`running metric (/bin/sh, 2 arguments): it answered with an error: no queue`}},
		{name: "an error need not have words", answer: `{"id":1,"error":""}`, says: []string{`: it answered with an error: `}},
		{name: "a reply of maxReplyBytes fits, however it is written", limit: 4, answer: `{"id":1,"reply":"\u0061\u0061\u0061\u0061"}`, reply: "aaaa"},
		{name: "a reply of more fails its document", limit: 3, answer: `{"id":1,"reply":"aaaa"}`,
			says: []string{"a reply of more than 3 bytes (maxReplyBytes: 3): reply with less, or raise maxReplyBytes"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("ANSWER", row.answer)
			m := talks(`read -r line; printf '%s\n' "$ANSWER"; read -r line; echo '{"id":2,"reply":"b"}'; read -r line`)
			if row.limit != 0 {
				m.MaxReplyBytes = row.limit
			}
			runner, dir := newKept(t, m)
			reply, err := runner.Run(t.Context(), method.Whole([]byte("{}")))
			if reply != row.reply {
				t.Errorf("the reply is %q, want %q", reply, row.reply)
			}
			if row.says != nil {
				methodtest.WantError(t, err, row.says...)
			} else if err != nil {
				t.Error(err)
			}
			if reply, err := runner.Run(t.Context(), method.Whole([]byte("{}"))); reply != "b" {
				t.Errorf("the next reply is %q, %v", reply, err)
			}
			if starts := startsOf(t, dir); len(starts) != 1 {
				t.Errorf("it was started %d times", len(starts))
			}
		})
	}
}

// TestWorkerFailures are what ends a worker: the run fails with the cause, in time, and the next one succeeds.
func TestWorkerFailures(t *testing.T) {
	second := `[ $(wc -l <$DIR/starts) = 1 ] || { ` + hello + echoes + `; exit; }; `
	for _, row := range []struct {
		name, script string // after its start, the first time
		timeout      span.Milliseconds
		late         bool
		says         []string
	}{
		{name: "it exits in the middle", script: hello + `read -r line; echo "KeyError: 'cpu'" >&2; exit 3`,
			says: []string{`: exit status 3, standard error ends: "KeyError: 'cpu'"; the next run starts it anew`}},
		{name: "it exits in the middle of a line", script: hello + `read -r line; printf '{"id":1,"rep'; exit 3`,
			says: []string{`: exit status 3, standard error is empty; the next run starts it anew`}},
		{name: "it exits as if it was done", script: hello + `read -r line`,
			says: []string{`: it exited before its standard input had ended, standard error is empty`}},
		{name: "it does not serve", script: `read -r line`,
			says: []string{`: it exited before it said hello: does the script end with cpa_worker.serve(function), or answer the first line that it is given?, standard error is empty`}},
		{name: "it is killed", script: hello + `read -r line; kill -KILL $$`,
			says: []string{`: signal: killed (out of memory?`}},
		{name: "it exits, and its child keeps its output", script: hello + `read -r line; sleep 600 & exit 4`,
			says: []string{`: exit status 4, standard error is empty`}},
		{name: "it closes its output", script: hello + `read -r line; exec >&-; sleep 600`,
			says: []string{`: it closed its standard output, standard error is empty`}},
		{name: "it closes its input", script: hello + `exec <&-; sleep 600`, timeout: 500, late: true,
			says: []string{`: no reply within its timeout of 500ms`}},
		{name: "it writes rubbish", script: hello + `read -r line; echo hello; sleep 600`,
			says: []string{`: it wrote "hello", and not {"id":...,"reply":...} or {"id":...,"error":"..."}: print nothing else to standard output, standard error is empty`}},
		{name: "it writes rubbish and exits", script: hello + `read -r line; echo usage: worker; exit 2`,
			says: []string{`: it wrote "usage: worker", and not`}},
		{name: "it answers without an id", script: hello + `read -r line; echo '{"reply":"ok"}'; sleep 600`,
			says: []string{`: it wrote "{\"reply\":\"ok\"}", and not`}},
		{name: "it answers with nothing", script: hello + `read -r line; echo '{"id":1}'; sleep 600`,
			says: []string{`: it wrote "{\"id\":1}", and not`}},
		{name: "it answers a document that it was not given", script: hello + `read -r line; echo '{"id":7,"reply":"ok"}'; sleep 600`,
			says: []string{`: it answered the document 7, which it was not given or has answered before: answer each once, with its id`}},
		{name: "a line is too long", script: hello + `read -r line; yes | head -c 20000000 | tr -d '\n'; sleep 600`,
			says: []string{`: it wrote a line that is too long for any reply: a reply of more than 1048576 bytes (maxReplyBytes: 1048576): reply with less, or raise maxReplyBytes`}},
		{name: "it hangs", script: hello + `echo waiting for the database >&2; read -r line; sleep 600`, timeout: 1000, late: true,
			says: []string{`: no reply within its timeout of 1s (timeout: 1000 ms); it was ended (does it flush its standard output after each line?), ` +
				`standard error ends: "waiting for the database"; the next run starts it anew`}},
		{name: "it hangs and ignores TERM", script: hello + `trap '' TERM; read -r line; sleep 600`, timeout: 500, late: true,
			says: []string{`: no reply within its timeout of 500ms`}},
		{name: "it is stopped", script: hello + `read -r line; kill -STOP $$`, timeout: 500, late: true,
			says: []string{`: no reply within its timeout of 500ms`}},
		{name: "it hangs at its start", script: `sleep 600`,
			says: []string{`: no first line within 1s (worker.startTimeout: 1000 ms): does it flush that, or need longer to start?, standard error is empty`}},
		{name: "it exits at its start", script: `echo "no module named torch" >&2; exit 1`,
			says: []string{`: exit status 1, standard error ends: "no module named torch"`}},
		{name: "it speaks another version", script: `echo '{"cpaWorker":{"version":2}}'; sleep 600`,
			says: []string{`: it speaks version 2 of the protocol, and was offered 1 only`}},
		{name: "it does not say hello", script: `echo loading the model; sleep 600`,
			says: []string{`: its first line is "loading the model", and not {"cpaWorker":{"version":1}}: print that to standard output, and then nothing but answers`}},
		{name: "it answers before it says hello", script: `echo '{"id":1,"reply":"ok"}'; sleep 600`,
			says: []string{`: its first line is "{\"id\":1,\"reply\":\"ok\"}", and not`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := kept("/bin/sh", "-c", `echo $$ >>$DIR/starts; `+second+row.script)
			m.Worker.StartTimeout = 1000
			if row.timeout != 0 {
				m.Timeout = row.timeout
			}
			runner, dir := newKept(t, m)
			began := time.Now()
			_, err := runner.Run(t.Context(), method.Whole([]byte(`{"a":1}`)))
			if took, bar := time.Since(began), m.Timeout.Duration()+2*time.Second; took > bar {
				t.Errorf("it took %s, more than %s", took, bar)
			}
			methodtest.WantError(t, err, row.says...)
			if errors.Is(err, context.DeadlineExceeded) != row.late {
				t.Errorf("%v is context.DeadlineExceeded: %t", err, !row.late)
			}
			methodtest.NoTrace(t, dir+"/starts")
			if reply, err := runner.Run(t.Context(), method.Whole([]byte(`{"a":1}`))); reply != "ok" || err != nil {
				t.Errorf("the next run gave %q, %v", reply, err)
			}
		})
	}
}

func TestWorkerIsStartedOnce(t *testing.T) {
	runner, dir := newKept(t, talks(echoes))
	if starts := startsOf(t, dir); len(starts) != 0 {
		t.Errorf("it was started %d times before it was needed", len(starts))
	}
	for range 20 {
		if reply, err := runner.Run(t.Context(), method.Whole([]byte("{}"))); reply != "ok" {
			t.Fatalf("got %q, %v", reply, err)
		}
	}
	if starts := startsOf(t, dir); len(starts) != 1 {
		t.Errorf("it was started %d times", len(starts))
	}
}

func TestWorkerThatExitsWhileItHasNothingToDoCostsNothing(t *testing.T) {
	var log lockedLog
	m := talks(echoes)
	runner, err := open(m, log.logger(), func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(runner.Close)
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	for range 3 {
		if reply, err := runner.Run(t.Context(), method.Whole([]byte("{}"))); reply != "ok" {
			t.Fatalf("got %q, %v", reply, err)
		}
		starts := startsOf(t, dir)
		_ = unix.Kill(starts[len(starts)-1], unix.SIGKILL)
		methodtest.Eventually(t, "its end is logged", func() bool { return strings.Count(log.String(), "a worker ended") == len(starts) })
	}
	if text := log.String(); !strings.Contains(text, `level=INFO msg="a worker was started" method=metric pid=`) ||
		!strings.Contains(text, `level=WARN msg="a worker ended" method=metric err="signal: killed (out of memory?`) {
		t.Errorf("the log is\n%s", text)
	}
}

func TestWorkerThatAnswersTwiceIsEnded(t *testing.T) {
	var log lockedLog
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	runner, err := open(talks(`read -r line; echo '{"id":1,"reply":"ok"}'; echo '{"id":1,"reply":"ok"}'; sleep 600`), log.logger(), func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(runner.Close)
	for starts := range 2 {
		if reply, err := runner.Run(t.Context(), method.Whole([]byte("{}"))); reply != "ok" {
			t.Errorf("got %q, %v", reply, err)
		}
		methodtest.Eventually(t, "its end is logged", func() bool {
			return strings.Count(log.String(), `err="it answered the document 1, which it was not given or has answered before`) == starts+1
		})
		methodtest.NoTrace(t, dir+"/starts")
		_ = os.Remove(dir + "/starts")
	}
}

func TestWorkerAnswersInAnyOrder(t *testing.T) {
	runner, _ := newKept(t, inGo(t, 8))
	var runs sync.WaitGroup
	var order []int
	var lock sync.Mutex
	for i := range 8 {
		runs.Go(func() {
			document := fmt.Sprintf(`{"sleep":%d,"reply":"%d"}`, 100*(8-i), i)
			if reply, err := runner.Run(t.Context(), method.Whole([]byte(document))); reply != fmt.Sprint(i) {
				t.Errorf("%d got %q, %v", i, reply, err)
			}
			lock.Lock()
			order = append(order, i)
			lock.Unlock()
		})
	}
	runs.Wait()
	if !slices.IsSortedFunc(order, func(a, b int) int { return b - a }) {
		t.Errorf("the order was %v", order)
	}
}

func TestWorkerIsGivenNoMoreThanItsConcurrency(t *testing.T) {
	m := inGo(t, 3)
	runner, _ := newKept(t, m)
	var runs sync.WaitGroup
	var most atomic.Int64
	for range 12 {
		runs.Go(func() {
			reply, err := runner.Run(t.Context(), method.Whole([]byte(`{"sleep":100,"count":true}`)))
			if err != nil {
				t.Error(err)
				return
			}
			most.Store(max(most.Load(), int64(methodtest.Number(t, reply))))
		})
	}
	runs.Wait()
	if most.Load() != 3 {
		t.Errorf("it had %d documents at a time, want 3", most.Load())
	}
}

func TestAnErrorFailsItsDocumentOnly(t *testing.T) {
	for name, m := range map[string]logic{"in Go": inGo(t, 8), "in Python": inPython(`cpa_worker.serve(lambda known: 1 / 0 if known.get("panic") else known["reply"])`)} {
		t.Run(name, func(t *testing.T) {
			runner, _ := newKept(t, m)
			_, err := runner.Run(t.Context(), method.Whole([]byte(`{"panic":true}`)))
			methodtest.WantError(t, err, "it answered with an error: ")
			if reply, err := runner.Run(t.Context(), method.Whole([]byte(`{"reply":"ok"}`))); reply != "ok" {
				t.Errorf("got %q, %v", reply, err)
			}
		})
	}
}

// inPython is a method whose worker is in Python.
func inPython(text string) logic {
	return kept("python3", "-c", `import sys; sys.path.insert(0, "../../../userlogic/python"); import cpa_worker`+"\n"+text)
}

func TestWhatAFunctionPrintsIsNoRubbish(t *testing.T) {
	for name, m := range map[string]logic{
		"in Go": inGo(t, 1),
		"in Python": inPython(`
import os, subprocess
def metric(known):
    print("a word")
    os.write(1, b"a word\n")
    subprocess.run(["sh", "-c", "echo a word; cat"])
    return known["reply"]
cpa_worker.serve(metric)`),
	} {
		t.Run(name, func(t *testing.T) {
			var log lockedLog
			runner, err := open(m, log.logger(), func(method.Run) {})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if reply, err := runner.Run(t.Context(), method.Whole([]byte(`{"words":3,"reply":"ok"}`))); reply != "ok" {
					t.Errorf("got %q, %v", reply, err)
				}
			}
			runner.Close()
			if got := strings.Count(log.String(), `level=INFO msg="a method wrote to standard error" method=metric stderr="a word"`); got != 9 {
				t.Errorf("%d words were logged, want 9:\n%s", got, log.String())
			}
		})
	}
}

func TestWorkerInPythonIsHeldToJSON(t *testing.T) {
	runner, _ := newKept(t, inPython(`cpa_worker.serve(lambda known: {"nan": float("nan"), "set": {1}, "none": None, "text": "Grüße\n", "object": {"a": 1}}[known])`))
	for _, row := range []struct{ document, reply, says string }{
		{`"nan"`, "", "Out of range float values are not JSON compliant"},
		{`"set"`, "", "Object of type set is not JSON serializable"},
		{`"gone"`, "", "KeyError('gone')"},
		{`"none"`, "null", ""},
		{`"text"`, "Grüße\n", ""},
		{`"object"`, `{"a": 1}`, ""},
	} {
		reply, err := runner.Run(t.Context(), method.Whole([]byte(row.document)))
		if reply != row.reply || (err == nil) != (row.says == "") {
			t.Errorf("%s: got %q, %v", row.document, reply, err)
		}
		if row.says != "" {
			methodtest.WantError(t, err, row.says)
		}
	}
}

// TestWorkerIsSentWhatThePageSays holds the lines that are sent to the letter.
func TestWorkerIsSentWhatThePageSays(t *testing.T) {
	runner, dir := newKept(t, kept("/bin/sh", "-c", `read -r line; echo "$line" >>$DIR/lines; echo '{"cpaWorker":{"version":1}}'
id=0; while read -r line; do id=$((id+1)); printf '%s\n' "$line" >>$DIR/lines; echo '{"id":'$id',"reply":"ok"}'; done; echo end >>$DIR/lines`))
	began := time.Date(2026, 5, 1, 14, 0, 0, 250_000_000, time.FixedZone("CEST", 7200))
	traced := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state(t),
	}))
	for _, row := range []struct {
		ctx   context.Context
		began time.Time
	}{{t.Context(), time.Time{}}, {t.Context(), began}, {traced, began}} {
		if _, err := runner.Run(row.ctx, method.Whole([]byte(`{"a":"\n"}`)).At(row.began)); err != nil {
			t.Fatal(err)
		}
	}
	runner.Close()
	text, _ := os.ReadFile(dir + "/lines")
	want := `{"cpaWorker":{"versions":[1],"method":"metric"}}
{"id":1,"document":{"a":"\n"}}
{"id":2,"time":"2026-05-01T12:00:00.250+00:00","document":{"a":"\n"}}
{"id":3,"time":"2026-05-01T12:00:00.250+00:00","traceparent":"00-01000000000000000000000000000000-0200000000000000-01","tracestate":"vendor=\"a\"","document":{"a":"\n"}}
end
`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func state(t *testing.T) trace.TraceState {
	t.Helper()
	state, err := trace.ParseTraceState(`vendor="a"`)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// TestWorkerThatKeepsFailingIsStartedLessAndLess goes by a clock of its own.
func TestWorkerThatKeepsFailingIsStartedLessAndLess(t *testing.T) {
	m := talks(`[ ! -e $DIR/well ] || { ` + echoes + `; }; exit 3`)
	r, dir := newKept(t, m)
	now := time.Unix(0, 0)
	workerOf(r).now = func() time.Time { return now }
	var previous error
	for i, pause := range []time.Duration{0, 1, 2, 4, 8, 16, 32, 60, 60} {
		pause *= time.Second
		_, err := r.Run(t.Context(), method.Whole([]byte("{}")))
		says := fmt.Sprintf("exit status 3, standard error is empty; it has answered nothing since the failure before, and is started anew after %s", pause)
		if i == 0 {
			says = "exit status 3, standard error is empty; the next run starts it anew"
		}
		methodtest.WantError(t, err, says)
		if starts := startsOf(t, dir); len(starts) != i+1 {
			t.Fatalf("it was started %d times, want %d", len(starts), i+1)
		}
		previous = err
		if pause == 0 {
			continue
		}
		now = now.Add(pause - 1)
		if _, err := r.Run(t.Context(), method.Whole([]byte("{}"))); err == nil || err.Error() != previous.Error() {
			t.Errorf("before its time it fails with %v, want as before, %v", err, previous)
		}
		if starts := startsOf(t, dir); len(starts) != i+1 {
			t.Fatalf("it was started %d times, want %d", len(starts), i+1)
		}
		now = now.Add(1)
	}
	methodtest.Write(t, dir+"/well", "", 0o644)
	if reply, err := r.Run(t.Context(), method.Whole([]byte("{}"))); reply != "ok" {
		t.Fatalf("got %q, %v", reply, err)
	}
	_ = os.Remove(dir + "/well")
	starts := startsOf(t, dir)
	_ = unix.Kill(starts[len(starts)-1], unix.SIGKILL)
	methodtest.Eventually(t, "it has ended", func() bool { return idle(workerOf(r)) })
	_, err := r.Run(t.Context(), method.Whole([]byte("{}")))
	methodtest.WantError(t, err, "and is started anew after 1s")
}

func TestWorkerThatCannotStart(t *testing.T) {
	runner, _ := newKept(t, kept("/no/such/program"))
	_, err := runner.Run(t.Context(), method.Whole([]byte("{}")))
	methodtest.WantError(t, err, "running metric (/no/such/program): starting /no/such/program: no such file or directory: there is no such program: is it in the image, and is entrypoint right?")
	if fault.Of(err).Retry {
		t.Error("it is not said to be a mistake of the configuration")
	}
	_, _ = runner.Run(t.Context(), method.Whole([]byte("{}")))
	_, err = runner.Run(t.Context(), method.Whole([]byte("{}")))
	if fault.Of(err).Retry {
		t.Errorf("in the pause it is not said to be a mistake of the configuration: %v", err)
	}
}

func TestAStoppingProgramSendsNothingToAWorker(t *testing.T) {
	for _, row := range []struct{ name, script string }{
		{"that is starting", "sleep 600"},
		{"that has something else to do", hello + "sleep 600"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := kept("/bin/sh", "-c", `echo $$ >>$DIR/starts; `+row.script)
			m.Timeout, m.Worker.StartTimeout = 1500, 1500
			var told atomic.Int64
			runner, err := open(m, slog.New(slog.DiscardHandler), func(method.Run) { told.Add(1) })
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			t.Setenv("DIR", dir)
			var first sync.WaitGroup
			first.Go(func() { _, _ = runner.Run(t.Context(), method.Whole([]byte("{}"))) })
			methodtest.Eventually(t, "it is started", func() bool { return len(startsOf(t, dir)) == 1 })
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			_, err = runner.Run(ctx, method.Whole([]byte("{}")))
			methodtest.WantError(t, err, "not started: context canceled")
			if told.Load() != 0 {
				t.Error("somebody was told of the run")
			}
			first.Wait()
			runner.Close()
			methodtest.NobodyIsLeft(t)
		})
	}
}

// TestAnAbandonedDocumentIsLeftToTheWorker: what others have there goes on, and so does the worker, within the document's timeout.
func TestAnAbandonedDocumentIsLeftToTheWorker(t *testing.T) {
	for _, row := range []struct {
		name   string
		sleep  int
		starts int // of the worker, when the next document is answered
	}{
		{"that answers it later", 300, 1},
		{"that hangs, and is ended", 600_000, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := inGo(t, 1)
			m.Timeout = 3000 // the first answer of a program with the race detector takes a while
			result := ""
			runner, err := open(m, slog.New(slog.DiscardHandler), func(run method.Run) { result = run.Result() })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(runner.Close)
			if _, err := runner.Run(t.Context(), method.Whole([]byte("{}"))); err != nil {
				t.Fatal(err)
			}
			first := workerOf(runner).running
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(100*time.Millisecond, func() { cancel(method.Abandoned{Why: errors.New("another failed")}) })
			began := time.Now()
			_, err = runner.Run(ctx, method.Whole(fmt.Appendf(nil, `{"sleep":%d}`, row.sleep)))
			if took := time.Since(began); took > time.Second {
				t.Errorf("it was waited for, for %s", took)
			}
			if !errors.Is(err, context.Canceled) || result != "abandoned" {
				t.Errorf("got %v, which is told of as %s", err, result)
			}
			if reply, err := runner.Run(t.Context(), method.Whole([]byte(`{"reply":"next"}`))); reply != "next" {
				t.Errorf("the next run got %q, %v", reply, err)
			}
			if same := workerOf(runner).running == first; same != (row.starts == 1) {
				t.Errorf("it is the same worker: %t", same)
			}
		})
	}
}

func TestAStoppingProgramLetsAWorkerEndItsDocument(t *testing.T) {
	runner, dir := newKept(t, talks(`read -r line; touch $DIR/begun; until [ -e $DIR/cancelled ]; do sleep 0.01; done; echo '{"id":1,"reply":"ok"}'; cat >/dev/null`))
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() {
		if reply, err := runner.Run(ctx, method.Whole([]byte("{}"))); reply != "ok" {
			t.Errorf("got %q, %v", reply, err)
		}
	})
	methodtest.Eventually(t, "it has the document", func() bool { return methodtest.Exists(dir + "/begun") })
	cancel()
	methodtest.Write(t, dir+"/cancelled", "", 0o644)
	run.Wait()
}

func TestClosingAWorker(t *testing.T) {
	for _, row := range []struct {
		name, script string
		within       time.Duration
		leaves       string
	}{
		{name: "that was never started", within: 100 * time.Millisecond},
		{name: "lets it tidy up", script: echoes + `; sleep 0.2; touch $DIR/tidy`, within: time.Second, leaves: "tidy"},
		{name: "ends it when it does not exit", script: echoes + `; sleep 600`, within: 3 * time.Second},
		{name: "ends it when it ignores TERM", script: `trap '' TERM; ` + echoes + `; sleep 600`, within: 3 * time.Second},
		{name: "ends its children", script: `sleep 600 & ` + echoes, within: time.Second},
		{name: "is fine when it has exited", script: `read -r line; echo '{"id":1,"reply":"ok"}'`, within: time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("DIR", dir)
			methodtest.NoGrowth(t, func() {
				runner := mustNew(t, talks(row.script))
				if row.script != "" {
					if reply, err := runner.Run(t.Context(), method.Whole([]byte("{}"))); reply != "ok" {
						t.Errorf("got %q, %v", reply, err)
					}
				}
				began := time.Now()
				runner.Close()
				if took := time.Since(began); took > row.within+500*time.Millisecond {
					t.Errorf("it took %s", took)
				}
			})
			methodtest.NobodyIsLeft(t)
			if row.leaves != "" && !methodtest.Exists(filepath.Join(dir, row.leaves)) {
				t.Errorf("%s is not there", row.leaves)
			}
		})
	}
}

func TestClosingWaitsForWhatIsInFlight(t *testing.T) {
	runner, _ := newKept(t, inGo(t, 4))
	var runs sync.WaitGroup
	began := make(chan struct{}, 4)
	for range 4 {
		runs.Go(func() {
			began <- struct{}{}
			if reply, err := runner.Run(t.Context(), method.Whole([]byte(`{"sleep":500,"reply":"ok"}`))); reply != "ok" {
				t.Errorf("got %q, %v", reply, err)
			}
		})
	}
	for range 4 {
		<-began
	}
	methodtest.Eventually(t, "all are sent", func() bool { return len(workerOf(runner).turns) == 4 })
	runner.Close()
	runs.Wait()
}

func TestWorkerStandardErrorIsBounded(t *testing.T) {
	var log lockedLog
	m := talks(`echo '  File "metric.py", line 3' >&2; yes 'a line.' | head -n 1000 >&2; sleep 1.1; head -c 10000000 /dev/zero | tr '\0' x >&2; echo >&2; echo last >&2; ` + echoes)
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	runner, err := open(m, log.logger(), func(method.Run) {})
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := runner.Run(t.Context(), method.Whole([]byte("{}"))); reply != "ok" {
		t.Errorf("got %q, %v", reply, err)
	}
	runner.Close()
	text := log.String()
	logged, leftOut := strings.Count(text, `stderr="a line."`), 0
	for _, match := range regexp.MustCompile(`leftOut=(\d+) logged=100`).FindAllStringSubmatch(text, -1) {
		count, _ := strconv.Atoi(match[1])
		leftOut += count
	}
	if logged < mostLines-1 || leftOut == 0 || logged+leftOut != 1000 {
		t.Errorf("of 1000 lines %d were logged, and %d are said to be left out", logged, leftOut)
	}
	if !strings.Contains(text, `stderr="  File \"metric.py\", line 3"`) {
		t.Error("the blanks at the beginning of a line are gone")
	}
	if !strings.Contains(text, "stderr="+strings.Repeat("x", process.LongestTail)+"\n") || !strings.Contains(text, "stderr=last\n") {
		t.Errorf("the end of the log is %.300q", text[max(0, len(text)-5000):])
	}
}

// Of ten thousand documents nothing is left, and one worker takes them all.
func TestWorkerTenThousandDocuments(t *testing.T) {
	runner, _ := newKept(t, inGo(t, 8))
	documents := func(count int) {
		var runs sync.WaitGroup
		for range 8 {
			runs.Go(func() {
				for range count / 8 {
					if reply, err := runner.Run(t.Context(), method.Whole([]byte(`{"reply":"ok"}`))); reply != "ok" {
						t.Errorf("got %q, %v", reply, err)
						return
					}
				}
			})
		}
		runs.Wait()
	}
	documents(1000)
	methodtest.NoGrowth(t, func() {
		before := heap()
		documents(10_000)
		if grown := heap() - before; grown > 1<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
	})
	if left := len(workerOf(runner).running.asked); left > 0 {
		t.Errorf("%d documents are waited for", left)
	}
}

// idle tells whether no program runs.
func idle(w *worker) bool {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.running == nil
}

func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// Of many failures nothing is left.
func TestWorkerFailuresLeaveNothing(t *testing.T) {
	t.Setenv("DIR", t.TempDir())
	mix := []string{`exit 3`, `read -r line; echo rubbish; sleep 600`, `read -r line; sleep 600 & exit 4`, `exec >&-; sleep 600`, `setsid true & exit 5`}
	methodtest.NoGrowth(t, func() {
		for i := range 50 {
			runner := mustNew(t, talks(mix[i%len(mix)]))
			_, _ = runner.Run(t.Context(), method.Whole([]byte("{}")))
			runner.Close()
		}
	})
	orphansAreReaped(t)
}

func FuzzReadingLines(f *testing.F) {
	for _, text := range []string{
		`{"cpaWorker":{"version":1}}` + "\n" + `{"id":1,"reply":"ok"}` + "\n", `{"id":1,"error":"no"}` + "\n", "\n\n", `{"id":18446744073709551615,"reply":null}` + "\n", "half a line",
		`{"id":-1,"reply":{}}` + "\n", `{"id":1e0,"reply":[]}` + "\n", `{"id":2,"reply":"\u0000\ud800"}` + "\n", `[{"id":1}]` + "\n", `{"id":1,"reply":  3 }` + "\r\n",
	} {
		f.Add([]byte(text), int64(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, limit int64) {
		limit = 1 + limit&0xff
		lines, read := newLines(bytes.NewReader(text), limit), 0
		for lines.Scan() {
			read += len(lines.Bytes()) + 1
			_ = readHello(lines.Bytes())
			id, a, err := readAnswer(lines.Bytes(), limit)
			if err == nil && (id == 0 || int64(len(a.reply)) > limit || a.err != nil && a.reply != "") {
				t.Errorf("%q is read as the answer %d, %q, %v", lines.Bytes(), id, a.reply, a.err)
			}
		}
		if read > len(text) || lines.Err() == nil && bytes.IndexByte(text[read:], '\n') >= 0 {
			t.Errorf("%d of %d bytes were read, %v", read, len(text), lines.Err())
		}
	})
}

// lockedLog is written by many goroutines.
type lockedLog struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(text []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.Write(text)
}

func (l *lockedLog) String() string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.String()
}

func (l *lockedLog) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
