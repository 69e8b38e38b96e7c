package rest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// alone are methods that notice when a pass begins before the one before it has ended: metric takes what evaluate gives
// back. A dry run is recommended 7 replicas, and everybody else the 2 that there are.
var alone = []string{
	`metric={type: shell, timeout: 20000, shell: {command: ["-c", "cat > /dev/null; mkdir pass || echo metric >> overlap; echo 1"]}}`,
	`evaluate={type: shell, timeout: 20000, shell: {command: ["-c", "rmdir pass || echo evaluate >> overlap; ` +
		`if grep -q api_dry_run; then echo '{\"targetReplicas\": 7}'; else echo '{\"targetReplicas\": 2}'; fi"]}}`,
}

// TestFiveHundredCallersAtOnce are as many as there is room for by default. What they cost is 11 to 17 MiB;
// half of that again is left to the moment of garbage collection. Not parallel: they keep the machine busy.
func TestFiveHundredCallersAtOnce(t *testing.T) {
	for _, row := range []struct {
		name  string
		flags []string
		most  int // MiB
	}{
		{"with the race detector", nil, 0},
		{"as users have it", harness.PlainFlags, 64},
	} {
		t.Run(row.name, func(t *testing.T) {
			namespace := harness.Deploy(t, 2)
			p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + "apiConfig: {decisions: 10000}\n", Env: alone, Flags: row.flags})
			p.Logs("kept replicas")
			goroutines, files := seriesOf(p, "go_goroutines"), p.OpenFiles()
			before, _ := p.ResidentKiB()

			began := time.Now()
			answersAll(p, 500)
			took := time.Since(began)
			gaveTheLoopItsTurns(p, began)
			if overlap := p.Read("overlap"); overlap != "" {
				t.Errorf("passes ran at the same time:\n%s", overlap)
			}
			_, peak := p.ResidentKiB()
			t.Logf("500 passes took %s; resident memory was %.1f MiB, and at most %.1f MiB", took, float64(before)/1024, float64(peak)/1024)
			if row.most > 0 && peak > row.most*1024 {
				t.Errorf("it had %.1f MiB, want at most %d", float64(peak)/1024, row.most)
			}
			returnsTo(p, goroutines, files)
		})
	}
}

// answersAll makes so many calls at once, every other a dry run, and checks that each has its own answer.
func answersAll(p *harness.Program, callers int) {
	p.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * harness.Patience}
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			query, want := "", harness.Answer{Code: 200, ContentType: "application/json", Body: `{"targetReplicas":2,"recommendation":2}`}
			if i%2 == 0 {
				query, want.Body = "?dry_run=true", `{"targetReplicas":7,"recommendation":7}`
			}
			if got, err := harness.CallBy(p.T, client, http.MethodPost, p.URL("/api/v1/evaluation"+query), ""); got != want || err != nil {
				p.Errorf("caller %d: got %v, %v, want %v", i, got, err, want)
			}
		})
	}
	group.Wait()
}

// gaveTheLoopItsTurns checks that the loop waited for no more than one caller's pass each time: between two of its passes
// there are its own, the rest of the interval, and that one. What a busy machine takes for itself comes on top of it.
func gaveTheLoopItsTurns(p *harness.Program, began time.Time) {
	p.Helper()
	longestPass := 0.0
	for _, pass := range decisionsOf(p, "limit=10000") {
		if longestPass = max(longestPass, pass.Seconds); pass.Result == "failed" {
			p.Errorf("a pass failed: %+v", pass)
		}
	}
	pass := time.Duration(longestPass * float64(time.Second))
	longest, passes := keptItsPace(p, began, time.Now(), 300*time.Millisecond+2*pass+2*time.Second)
	p.Logf("%d passes of the loop meanwhile, at most %s from one to the next; the longest of all passes took %s", passes, longest, pass)
}

// returnsTo waits until no caller is remembered. A pass of the loop may be under way, which takes some.
func returnsTo(p *harness.Program, goroutines, files int) {
	p.Helper()
	const some = 10
	p.Eventually("goroutines and open files to be as few as before", func() (bool, error) {
		g, f := seriesOf(p, "go_goroutines"), p.OpenFiles()
		return g <= goroutines+some && f <= files+some, fmt.Errorf("%d and %d, before %d and %d", g, f, goroutines, files)
	})
}

// seriesOf is a whole number that Prometheus is shown, or 0 where it is not there.
func seriesOf(p *harness.Program, name string) int {
	p.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\d+)$`).FindStringSubmatch(p.Call(http.MethodGet, "/metrics").Body)
	if found == nil {
		return 0
	}
	number, err := strconv.Atoi(found[1])
	if err != nil {
		p.Fatal(err)
	}
	return number
}

// reply is an answer, and when to ask again.
type reply struct {
	harness.Answer
	retryAfter string
}

var (
	noRoom   = reply{harness.Answer{Code: 503, ContentType: "application/json", Body: refused(503, "5 requests are being served already (apiConfig.maxRequests): try again later")}, "1"}
	stopping = reply{harness.Answer{Code: 503, ContentType: "application/json", Body: refused(503, "the autoscaler is stopping")}, ""}
)

// callsEvaluation sends a call, and gives the connection that its answer will come on.
func callsEvaluation(p *harness.Program, query string) *net.TCPConn {
	p.Helper()
	connection := dial(p)
	if _, err := io.WriteString(connection, requestText("POST", "/api/v1/evaluation"+query)); err != nil {
		p.Fatal(err)
	}
	return connection
}

// evaluating begins so many calls, whose answers come as they are given.
func evaluating(p *harness.Program, query string, calls int) <-chan reply {
	p.Helper()
	answered := make(chan reply, calls)
	for range calls {
		connection := callsEvaluation(p, query)
		go func() {
			defer connection.Close() // which has a deadline
			got, header := readAnswer(connection, http.MethodPost)
			answered <- reply{got, header.Get("Retry-After")}
		}()
	}
	return answered
}

// hold makes runs of typed wait, as in "evaluate api", until they are let go.
func hold(p *harness.Program, run string) (letGo func()) {
	p.Helper()
	name := "hold." + strings.ReplaceAll(run, " ", ".")
	p.Write(name, "")
	return func() { _ = os.Remove(filepath.Join(p.Dir, name)) } // more than once
}

func TestMoreCallersThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	const callers, room = 50, 5
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace) + "apiConfig: {maxRequests: 5}\n", Files: typedFiles(1)})
	p.Logs("kept replicas")
	letGo := hold(p, "evaluate api_dry_run")
	defer letGo()
	answered := evaluating(p, "?dry_run=true", callers)
	for range callers - room {
		if got := <-answered; got != noRoom {
			t.Errorf("got %v, want %v", got, noRoom)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if got := p.Call(http.MethodGet, path); got.Code != 200 {
			t.Errorf("%s, while there is no room: %v", path, got)
		}
	}
	letGo()
	for range room {
		wantAnswer(t, "a caller that there was room for", (<-answered).Answer, 200, `{"targetReplicas":1,"recommendation":1}`)
	}
	wantAnswer(t, "a caller after that", p.Call(http.MethodPost, "/api/v1/evaluation"), 200, `{"targetReplicas":1,"recommendation":1}`)
}

func TestACallerThatGoesAway(t *testing.T) {
	t.Parallel()
	const others = 20
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace), Files: typedFiles(3), Env: []string{"interval=3600000"}})
	p.Serves()
	letGo := hold(p, "evaluate api")
	defer letGo()
	first := callsEvaluation(p, "")
	ran(p, "evaluate api")
	for i := range others {
		callsEvaluation(p, []string{"", "?dry_run=true"}[i%2]).Close()
	}
	p.Eventually("those who waited to be given up", func() (bool, error) {
		given := seriesOf(p, `custom_pod_autoscaler_http_requests_total{code="503",path="/api/v1/evaluation"}`)
		return given == others, fmt.Errorf("%d of %d were", given, others)
	})
	first.Close()
	p.Call(http.MethodGet, "/healthz") // by now it knows that the first is gone, too
	letGo()
	ran(p, "postScale api")
	if got := harness.Replicas(t, namespace); got != 3 {
		t.Errorf("the pass whose caller hung up left %d replicas, want 3", got)
	}
	wantAnswer(t, "the next caller", p.Call(http.MethodPost, "/api/v1/evaluation?dry_run=true"), 200, `{"targetReplicas":3,"recommendation":3}`)
	want := []string{"metric api", "evaluate api", "postScale api", "metric api_dry_run", "evaluate api_dry_run"}
	if got := runsOf(p); !slices.Equal(got, want) {
		t.Errorf("user logic was run for %v, want %v", got, want)
	}
}

// The loop's pass is not a caller's, so a caller that waits for it is first in line.
func TestACallerThatGoesAwayDuringAPassOfTheLoop(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace), Files: typedFiles(1)})
	p.Write("evaluate.api.reply", `{"targetReplicas": 3}`)
	p.Logs("kept replicas")
	letGo := hold(p, "evaluate scaler")
	defer letGo()
	isHeld(p, "evaluate scaler")
	callsEvaluation(p, "").Close()
	p.Eventually("the caller to be given up", func() (bool, error) {
		return seriesOf(p, `custom_pod_autoscaler_http_requests_total{code="503",path="/api/v1/evaluation"}`) == 1, nil
	})
	letGo()
	passesOfTheLoop(p, 2)
	if got := harness.Replicas(t, namespace); got != 1 || slices.Contains(runsOf(p), "metric api") {
		t.Errorf("there are %d replicas, want 1 as before, and user logic was run for %v", got, runsOf(p))
	}
}

// isHeld waits until a run waits: the last that began, for as long as a pass that did not wait would take.
func isHeld(p *harness.Program, run string) {
	p.Helper()
	var since time.Time
	began := 0
	p.Eventually(run+" to wait", func() (bool, error) {
		if runs := runsOf(p); len(runs) != began || runs[began-1] != run {
			began, since = len(runs), time.Now()
		}
		return time.Since(since) > 2*time.Second, nil
	})
}

// passesOfTheLoop waits for so many more of them.
func passesOfTheLoop(p *harness.Program, more int) {
	p.Helper()
	before := len(decisionsOf(p, "run_type=scaler"))
	p.Eventually(fmt.Sprintf("%d more passes of the loop", more), func() (bool, error) {
		return len(decisionsOf(p, "run_type=scaler")) >= before+more, nil
	})
}

func TestStopsGracefully(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, runType, query string
		hangs                bool
		code                 int
		says                 string
	}{
		{"a dry run ends with its answer", "api_dry_run", "?dry_run=true", false, 200, `{"targetReplicas":3,"recommendation":3}`},
		{"what is not yet scaled is not any more", "api", "", false, 503, stopping.Body},
		{"a method that hangs has its timeout", "api", "", true, 500, "no reply within its timeout of 5s"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			namespace := harness.Deploy(t, 1)
			p := harness.Start(t, harness.Options{
				Config: typedBy(namespace) + "apiConfig: {maxRequests: 5}\n", Files: typedFiles(1),
				Env: []string{"evaluate={type: shell, timeout: 5000, shell: {entrypoint: ./typed, command: [evaluate]}}"},
			})
			p.Write("evaluate."+row.runType+".reply", `{"targetReplicas": 3}`)
			p.Logs("kept replicas")
			letGo := hold(p, "evaluate "+row.runType)
			defer letGo()
			stopsWhile(p, row.runType, row.query, func(first <-chan reply) {
				if !row.hangs {
					letGo()
				}
				if got := <-first; got.Code != row.code || !strings.Contains(got.Body, row.says) {
					t.Errorf("the one that was served got %v, want %d and %s", got, row.code, row.says)
				}
			})
			if got := harness.Replicas(t, namespace); got != 1 {
				t.Errorf("there are %d replicas, want 1 as before", got)
			}
		})
	}
}

// stopsWhile asks the program to end while one call is served, four wait and there is no room for more; then ends is
// told of the one.
func stopsWhile(p *harness.Program, runType, query string, ends func(<-chan reply)) {
	p.Helper()
	first := evaluating(p, query, 1)
	ran(p, "evaluate "+runType)
	waiting := evaluating(p, query, 5)
	if got := <-waiting; got != noRoom { // so there are four in line for certain
		p.Errorf("got %v, want %v", got, noRoom)
	}
	asked := time.Now()
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Fatal(err)
	}
	for range 4 {
		if got := <-waiting; got != stopping {
			p.Errorf("who waited got %v, want %v", got, stopping)
		}
	}
	p.Eventually("connections to be refused", func() (bool, error) {
		connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port))
		if err == nil {
			connection.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED), err
	})
	ends(first)
	endsBy(p, asked.Add(5*time.Second+5*time.Second)) // the method's timeout, and some
}

// endsBy waits for the program to end by itself, and checks that it does so well and in time.
func endsBy(p *harness.Program, deadline time.Time) {
	p.Helper()
	select {
	case <-p.Exited:
	case <-time.After(harness.Patience):
		p.Fatal("it did not end")
	}
	if late := time.Since(deadline); late > 0 {
		p.Errorf("it ended %s too late", late)
	}
	if code := p.Cmd.ProcessState.ExitCode(); code != 0 {
		p.Errorf("exit code %d, want 0", code)
	}
	if !strings.Contains(p.Printed.String(), "msg=stopped") {
		p.Error("it did not say that it stopped")
	}
}
