package method_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	call "github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/http"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
)

func TestNewRefuses(t *testing.T) {
	for _, row := range []struct {
		name   string
		method config.Method
		says   string
	}{
		{"a type that is not known", config.Method{Type: "carrier-pigeon"},
			`setting up preScale: there are no settings of the type "carrier-pigeon"`},
		{"a shell method without its section", config.Method{Type: "shell"},
			`setting up preScale: there are no settings of the type "shell"`},
		{"a URL that is none, without showing its password",
			config.Method{Type: "http", HTTP: &call.Settings{URL: "http://me:secret@host:port"}},
			`setting up preScale: reading http.url: http://*** cannot be read as a URL`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := method.Open(row.method.With("preScale", slog.New(slog.DiscardHandler)), func(method.Run) {})
			if err == nil || err.Error() != row.says {
				t.Errorf("got  %v\nwant %s", err, row.says)
			}
		})
	}
}

func TestReplyLimit(t *testing.T) {
	for _, row := range []struct {
		name  string
		limit int64
		says  string
	}{
		{"a reply may be as long as its limit", 5, ""},
		{"a reply may not be longer", 4,
			"a reply of more than 4 bytes (maxReplyBytes: 4): reply with less, or raise maxReplyBytes"},
		{"the highest limit is a limit too", math.MaxInt64, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			reply, err := method.ReadReply(strings.NewReader("reply"), row.limit)
			if row.says != "" {
				methodtest.WantError(t, err, row.says)
			} else if reply != "reply" || err != nil {
				t.Errorf("got %q, %v", reply, err)
			}
		})
	}
}

func TestEachRunIsToldWithWhatWentInAndOut(t *testing.T) {
	for _, row := range []struct{ name, script, reply, err string }{
		{"that succeeds", "cat; echo !", "5!\n", ""},
		{"that fails", "echo half; exit 3", "", "exit status 3, standard error is empty"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var told []method.Run
			runner, err := open("evaluate", script(row.script), func(run method.Run) { told = append(told, run) })
			if err != nil {
				t.Fatal(err)
			}
			_, _ = runner.Run(t.Context(), method.Whole([]byte("5"))) // what it gives is another test's
			if len(told) != 1 || told[0].Name != "evaluate" || told[0].Type != "shell" || string(told[0].Document.Bytes()) != "5" || told[0].Reply != row.reply {
				t.Fatalf("got %+v", told)
			}
			if err := told[0].Err; (err == nil) != (row.err == "") || err != nil && err.Error() != row.err {
				t.Errorf("got %v, want %q", err, row.err)
			}
		})
	}
}

func TestAStoppingProgramStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := mustNew(t, script("exit 3")).Run(ctx, method.Document{})
	methodtest.WantError(t, err, `running metric (/bin/sh, 2 arguments): not started: context canceled`)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

func TestAStoppingProgramLetsARunEnd(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	m := script("touch $DIR/started; until [ -e $DIR/cancelled ]; do sleep 0.01; done; echo done")
	m.Timeout = 30_000
	ctx, cancel := context.WithCancel(t.Context())
	var (
		run   sync.WaitGroup
		reply string
		err   error
	)
	run.Go(func() { reply, err = mustNew(t, m).Run(ctx, method.Document{}) })
	methodtest.Eventually(t, "the method starts", func() bool { return methodtest.Exists(dir + "/started") })
	cancel()
	methodtest.Write(t, dir+"/cancelled", "", 0o644)
	run.Wait()
	if reply != "done\n" || err != nil {
		t.Errorf("got %q, %v", reply, err)
	}
}

// What nobody waits for any more is ended, with all of its processes, and is not taken for a timeout.
func TestAnAbandonedRunIsEnded(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	m := script("echo $$ > $DIR/leader; sleep 600 & sleep 600; echo done")
	m.Timeout = 600_000
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		methodtest.Write(t, dir+"/called", "", 0o644)
		_, _ = io.Copy(io.Discard, r.Body) // only then is it seen that the caller is gone
		<-r.Context().Done()
	}))
	t.Cleanup(hanging.Close)
	request := config.Method{Type: "http", Timeout: 600_000, MaxReplyBytes: 10, HTTP: &call.Settings{Method: "POST", URL: hanging.URL, ParameterMode: "body", SuccessCodes: []int{200}}}
	for file, of := range map[string]config.Method{"/leader": m, "/called": request} {
		ctx, cancel := context.WithCancelCause(t.Context())
		result := ""
		runner, err := open("metric", of, func(run method.Run) { result = run.Result() })
		if err != nil {
			t.Fatal(err)
		}
		var run sync.WaitGroup
		run.Go(func() { _, err = runner.Run(ctx, method.Document{}) })
		methodtest.Eventually(t, "the method starts", func() bool { return methodtest.Exists(dir + file) })
		cancel(method.Abandoned{Why: errors.New("another failed")})
		run.Wait()
		if !errors.Is(err, context.Canceled) || result != "abandoned" {
			t.Errorf("%s: got %v, which is told of as %s", of.Type, err, result)
		}
	}
	methodtest.NoTrace(t, dir+"/leader")
}
