// Package method runs user code: a document goes in, and a reply, or the reason why there is none, comes out.
//
// A run has its method's own timeout, and nothing outlives it: no process, no goroutine, no open pipe. But for a worker,
// which is kept from run to run until its method is closed. What the documents and replies mean, and when a method is
// due, is not known here.
package method

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/level"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// Runner runs one user method: it is handed a document, which is compact JSON, and gives back the reply, verbatim.
//
// Cancelling ctx keeps a run from starting but does not cut short one that has started: user code may be half way
// through something, so a program that is stopping lets it end within its own timeout. Only where the cause is Abandoned,
// and nobody wants the reply any more, it is ended.
type Runner interface {
	Run(ctx context.Context, document Document) (reply string, err error)
}

// Abandoned is the cause of a context whose runs are to be ended: what they would say is of no use any more.
type Abandoned struct{ Why error }

func (a Abandoned) Error() string { return "abandoned: " + a.Why.Error() }

// Settings are those of a method: of its kind, and what all methods have.
type Settings struct {
	Type string
	Kind Kind // nil where the type is none that is known
	Common
}

// Longest is how long a run may take, at most, with what comes before it.
func (s Settings) Longest() time.Duration { return s.Starting() + s.Timeout }

// Starting is how long a run may take, at most, before its document is sent.
func (s Settings) Starting() time.Duration {
	if starter, is := s.Kind.(Starter); is {
		return starter.Starting()
	}
	return 0
}

// Secrets are the values of the settings that are known to be credentials.
func (s Settings) Secrets() []string {
	if secretive, is := s.Kind.(Secretive); is {
		return secretive.Secrets()
	}
	return nil
}

// Run is a run that has ended: what went in, and what came out.
type Run struct {
	Name, Type string // of the method
	Document   Document
	Reply      string // "" where there is an error
	Took       time.Duration
	Err        error
}

const succeeded, failed, timedOut, abandoned = "succeeded", "failed", "timeout", "abandoned"

// Results are the words that there are for the outcome of a run.
func Results() []string { return []string{succeeded, failed, timedOut, abandoned} }

// Result is the outcome in one word.
func (r Run) Result() string {
	switch {
	case r.Err == nil:
		return succeeded
	case errors.Is(r.Err, context.DeadlineExceeded):
		return timedOut
	case errors.Is(r.Err, context.Canceled):
		return abandoned
	}
	return failed
}

// Opened is a method that is ready to run: a Runner that is handed documents, or an Evaluator; the other one is nil.
type Opened struct {
	Runner    *Method
	Evaluator Evaluator
}

// Open makes a method ready to run. Its name is that of its setting ("metric", "preScale", ...) and is in every
// error and log line. Each run that has ended is told to ran. No error has any of the secrets in it, which are values that are
// known to be credentials.
func Open(of Settings, ran func(Run), secrets ...string) (Opened, error) {
	if of.Kind == nil {
		return Opened{}, fmt.Errorf("setting up %s: there are no settings of the type %q", of.Name, of.Type)
	}
	logic, err := of.Kind.Open(of.Common)
	if err != nil {
		return Opened{}, fmt.Errorf("setting up %s: %w", of.Name, err)
	}
	switch logic := logic.(type) {
	case Evaluator:
		return Opened{Evaluator: logic}, nil
	case Program:
		return Opened{Runner: &Method{program: logic, name: of.Name, of: of.Type, log: of.Log, ran: ran, masker: secret.New(append(of.Secrets(), secrets...)...)}}, nil
	}
	return Opened{}, fmt.Errorf("setting up %s: what the type %q opens can neither be run nor evaluate", of.Name, of.Type)
}

// Method is a Runner of any kind, and what all kinds have in common: who is told of a run, and the first words of every error.
type Method struct {
	program Program
	name    string
	of      string // its type
	log     *slog.Logger
	ran     func(Run)

	masker *secret.Masker // of every error
	closed sync.Once
}

// Run is that of a Runner.
func (m *Method) Run(ctx context.Context, document Document) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", m.failed(NotBegun{err})
	}
	began := time.Now()
	reply, err := m.program.Run(ctx, document)
	err = m.masker.Error(err)
	if _, is := errors.AsType[NotBegun](err); is {
		return "", m.failed(err)
	}
	took := time.Since(began)
	m.ran(Run{Name: m.name, Type: m.of, Document: document, Reply: reply, Took: took, Err: err})
	m.log.Log(ctx, level.Methods, "method", "name", m.name, "took", took, "documentBytes", document.Len(), "replyBytes", len(reply), "reply", beginning{m.masker, reply}, "failed", err != nil)
	if err != nil {
		return "", m.failed(err)
	}
	return reply, nil
}

func (m *Method) failed(err error) error {
	return &fault.Fault{Doing: fmt.Sprintf("running %s (%s)", m.name, m.program), Err: err, Setting: m.name}
}

// beginning is a reply as it is logged: the beginning of it, without credentials. Nothing is done where it is not logged.
type beginning struct {
	masker *secret.Masker
	reply  string
}

// mostLogged is how much of a reply is logged.
const mostLogged = 1024

func (b beginning) LogValue() slog.Value {
	return slog.StringValue(b.masker.Mask(Shorten(b.reply, mostLogged)))
}

// NotBegun is why a run did not start, of which nobody is told.
type NotBegun struct{ Err error }

func (e NotBegun) Error() string { return "not started: " + e.Err.Error() }

func (e NotBegun) Unwrap() error { return e.Err }

// Close ends what is kept from run to run, once what runs has ended. Nothing is to be run after it.
func (m *Method) Close() { m.closed.Do(m.program.Close) }

// Begun is the ctx of a run that has started: it ends by the method's timeout, or when the run is abandoned.
func Begun(asked context.Context, timeout time.Duration) (ctx context.Context, end func()) {
	ctx, free := Uncut(asked)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return ctx, func() { cancel(); free() }
}

// Uncut is a ctx that ends when the run is abandoned only.
func Uncut(asked context.Context) (ctx context.Context, free func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(asked))
	stop := context.AfterFunc(asked, func() {
		if _, abandoned := errors.AsType[Abandoned](context.Cause(asked)); abandoned {
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// TimeoutError is a run that gave no whole reply in time. It is a context.DeadlineExceeded to errors.Is.
type TimeoutError struct {
	Timeout time.Duration
	Note    string // how far it got, and what was done about it
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("no reply within its timeout of %s (timeout: %d ms); %s",
		e.Timeout, e.Timeout.Milliseconds(), e.Note)
}

// Explain is that of a fault.Explainer.
func (e *TimeoutError) Explain() fault.Fault { return fault.Fault{Err: e, Setting: ".timeout"} }

// Is makes every timeout look alike to callers.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// TooLongError is a reply that was cut off at its limit.
type TooLongError struct{ Limit int64 }

func (e *TooLongError) Error() string {
	said := e.Explain()
	return said.Error()
}

// Explain is that of a fault.Explainer.
func (e *TooLongError) Explain() fault.Fault {
	return fault.Fault{
		Err:     fmt.Errorf("a reply of more than %d bytes (maxReplyBytes: %d)", e.Limit, e.Limit),
		Setting: ".maxReplyBytes", Hint: "reply with less, or raise maxReplyBytes",
	}
}

// ReadReply reads to the end, and never more than one byte past the limit.
func ReadReply(from io.Reader, limit int64) (string, error) {
	var reply strings.Builder
	read, err := process.Copy(&reply, io.LimitReader(from, min(limit, math.MaxInt64-1)+1))
	if read > limit {
		return reply.String()[:limit], &TooLongError{Limit: limit}
	}
	return reply.String(), err
}

// Shorten keeps a text fit for one line of a log.
func Shorten(line string, limit int) string { return text.ClipWith(line, limit, "...") }
