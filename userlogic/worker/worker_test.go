package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

const hello = `{"cpaWorker":{"versions":[1],"method":"metric"}}` + "\n"

// answers are the lines of a worker that is sent these, in order of their ids.
func answers(t *testing.T, concurrency int, function Function, lines ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := serve(t.Context(), strings.NewReader(hello+strings.Join(lines, "\n")), &out, concurrency, function); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	slices.Sort(got[1:])
	return got
}

func TestAnswers(t *testing.T) {
	for _, row := range []struct {
		name  string
		reply any
		err   error
		want  string
	}{
		{"text is text", `{"a": 1}`, nil, `{"id":1,"reply":"{\"a\": 1}"}`},
		{"anything else is JSON", map[string]int{"targetReplicas": 3}, nil, `{"id":1,"reply":{"targetReplicas":3}}`},
		{"JSON stays as it is", json.RawMessage(`[1]`), nil, `{"id":1,"reply":[1]}`},
		{"nothing is null", nil, nil, `{"id":1,"reply":null}`},
		{"an error is one", "x", errors.New("no queue"), `{"id":1,"error":"no queue"}`},
		{"an error without words is one, too", "x", errors.New(""), `{"id":1,"error":""}`},
		{"what JSON cannot say is an error", math.NaN(), nil, `{"id":1,"error":"json: unsupported value: NaN"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := answers(t, 1, func(context.Context, json.RawMessage) (any, error) { return row.reply, row.err }, `{"id":1,"document":{}}`)
			if want := []string{`{"cpaWorker":{"version":1}}`, row.want}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestAPanicFailsItsDocumentOnly(t *testing.T) {
	got := answers(t, 1, func(_ context.Context, document json.RawMessage) (any, error) { return 10 / int(document[0]-'0'), nil },
		`{"id":1,"document":0}`, `{"id":2,"document":5}`)
	if want := []string{`{"id":1,"error":"panic: runtime error: integer divide by zero"}`, `{"id":2,"reply":2}`}; !slices.Equal(got[1:], want) {
		t.Errorf("got %q, want %q", got[1:], want)
	}
}

func TestTheFunctionIsToldTheTimeAndTheTrace(t *testing.T) {
	function := func(ctx context.Context, _ json.RawMessage) (any, error) {
		return fmt.Sprintf("%s|%s", Time(ctx).UTC().Format(time.RFC3339Nano), Traceparent(ctx)), nil
	}
	got := answers(t, 1, function, `{"id":1,"time":"2026-05-01T12:00:00.250+00:00","traceparent":"00-1-2-01","document":{}}`, `{"id":2,"document":{}}`)
	if want := []string{`{"id":1,"reply":"2026-05-01T12:00:00.25Z|00-1-2-01"}`, `{"id":2,"reply":"0001-01-01T00:00:00Z|"}`}; !slices.Equal(got[1:], want) {
		t.Errorf("got %q, want %q", got[1:], want)
	}
}

func TestDocumentsAreAnsweredAtTheSameTime(t *testing.T) {
	second := make(chan struct{})
	function := func(_ context.Context, document json.RawMessage) (any, error) { // the first one waits for the second
		if string(document) == "1" {
			<-second
		} else {
			close(second)
		}
		return nil, nil
	}
	if got := answers(t, 2, function, `{"id":1,"document":1}`, `{"id":2,"document":2}`); len(got) != 3 {
		t.Errorf("got %q", got)
	}
}

func TestServeEnds(t *testing.T) {
	for _, row := range []struct{ name, input, says string }{
		{"with its input", hello, ""},
		{"at a request that is none", hello + "what?", "reading a request: invalid character 'w'"},
		{"when the autoscaler speaks other versions only", `{"cpaWorker":{"versions":[2,3]}}`, "the autoscaler speaks versions [2 3] of the protocol, and this worker 1"},
		{"when nobody is there", "", "reading the autoscaler's first line: EOF"},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := serve(t.Context(), strings.NewReader(row.input), io.Discard, 1, nil)
			if (err == nil) != (row.says == "") || err != nil && !strings.HasPrefix(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
	t.Run("when its context does", func(t *testing.T) {
		in, silent := io.Pipe()
		defer silent.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, _ = io.WriteString(silent, hello)
			cancel()
		}()
		if err := serve(ctx, in, io.Discard, 1, nil); err != nil {
			t.Error(err)
		}
	})
}
