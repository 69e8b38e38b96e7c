// Package worker makes a worker of a function: a program that an autoscaler starts once, and sends its documents to.
//
//	func main() {
//		err := worker.Serve(context.Background(), 1, func(ctx context.Context, document json.RawMessage) (any, error) {
//			var known userlogic.MetricInput
//			err := json.Unmarshal(document, &known)
//			return len(known.KubernetesMetrics), err
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// It speaks version 1 of the protocol that docs/workers.md describes, and knows nothing of what the documents mean.
package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// version is the one that is spoken.
const version = 1

// Function gives the reply to a document: a string is taken verbatim, and anything else as JSON. An error, or a panic,
// fails this document only.
type Function func(ctx context.Context, document json.RawMessage) (reply any, err error)

// Serve answers documents until standard input ends, or ctx is done, so many at a time; the function is called from as
// many goroutines. What it prints to os.Stdout goes to standard error, which the autoscaler logs.
func Serve(ctx context.Context, concurrency int, function Function) error {
	replies := os.Stdout
	os.Stdout = os.Stderr
	return serve(ctx, os.Stdin, replies, concurrency, function)
}

type timeKey struct{}
type traceKey struct{}

// Time is that of the pass that a document is of, which is not the machine's in a simulation or a replay.
func Time(ctx context.Context) time.Time {
	at, _ := ctx.Value(timeKey{}).(time.Time)
	return at
}

// Traceparent is the W3C trace context of the pass that a document is of, and "" where it is not traced.
func Traceparent(ctx context.Context) string {
	parent, _ := ctx.Value(traceKey{}).(string)
	return parent
}

func serve(ctx context.Context, in io.Reader, out io.Writer, concurrency int, function Function) error {
	lines, answers := json.NewDecoder(in), &output{encoder: json.NewEncoder(out)}
	if err := greet(lines, answers); err != nil {
		return err
	}
	requests, ended := make(chan request), make(chan error, 1)
	go func() { // until the input ends, which may be long after ctx
		ended <- receive(ctx, lines, requests)
		close(requests)
	}()
	var answering sync.WaitGroup
	for range max(1, concurrency) {
		answering.Go(func() { answerAll(ctx, requests, answers, function) })
	}
	answering.Wait()
	select {
	case err := <-ended:
		return err
	default:
		return nil // ctx is done
	}
}

// greet agrees on a version with the autoscaler.
func greet(lines *json.Decoder, answers *output) error {
	var hello struct {
		Worker struct {
			Versions []int `json:"versions"`
		} `json:"cpaWorker"`
	}
	if err := lines.Decode(&hello); err != nil {
		return fmt.Errorf("reading the autoscaler's first line: %w", err)
	}
	if !slices.Contains(hello.Worker.Versions, version) {
		return fmt.Errorf("the autoscaler speaks versions %v of the protocol, and this worker %d", hello.Worker.Versions, version)
	}
	return answers.encoder.Encode(map[string]any{"cpaWorker": map[string]int{"version": version}})
}

type request struct {
	ID          uint64          `json:"id"`
	Time        time.Time       `json:"time"`
	Traceparent string          `json:"traceparent"`
	Document    json.RawMessage `json:"document"`
}

func receive(ctx context.Context, lines *json.Decoder, requests chan<- request) error {
	for {
		var r request
		if err := lines.Decode(&r); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		select {
		case requests <- r:
		case <-ctx.Done():
			return nil
		}
	}
}

func answerAll(ctx context.Context, requests <-chan request, answers *output, function Function) {
	for {
		select {
		case <-ctx.Done():
			return
		case r, more := <-requests:
			if !more {
				return
			}
			answers.answer(r.ID, func() (any, error) { return r.call(ctx, function) })
		}
	}
}

// call calls the function, which may panic.
func (r request) call(ctx context.Context, function Function) (reply any, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", problem, debug.Stack())
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	ctx = context.WithValue(context.WithValue(ctx, timeKey{}, r.Time), traceKey{}, r.Traceparent)
	return function(ctx, r.Document)
}

// output is written by many goroutines. Each Encode is a line, and a single Write.
type output struct {
	lock    sync.Mutex
	encoder *json.Encoder
}

type reply struct {
	ID    uint64 `json:"id"`
	Reply any    `json:"reply"`
}

type failure struct {
	ID    uint64 `json:"id"`
	Error string `json:"error"`
}

func (o *output) answer(id uint64, call func() (any, error)) {
	value, err := call()
	o.lock.Lock()
	defer o.lock.Unlock()
	if err == nil {
		err = o.encoder.Encode(reply{id, value})
	}
	if err != nil { // also of a reply that JSON cannot say
		_ = o.encoder.Encode(failure{id, err.Error()}) // where nobody listens the input ends, too
	}
}
