package worker

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/executable"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/level"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

// A worker that fails again without having answered anything waits longer each time until it is started anew.
const (
	firstPause   = time.Second
	longestPause = time.Minute
)

const hung = "it was ended (does it flush its standard output after each line?)"

// worker keeps a program from run to run: a document is a line on its standard input, a reply one on its standard output.
//
//	run: wait for a turn -> start the program, unless there is one -> send, and wait for the answer
//
// Until its document is sent a run has not started, and is let go when its ctx is done. From then on the document has its timeout.
type worker struct {
	Settings
	method.Common
	now func() time.Time

	turns chan struct{} // holds one token for each document; whoever takes all of them, for good, closes the worker

	lock     sync.Mutex
	running  *session  // nil where there is none
	failures int       // in a row, without an answer between them
	failure  error     // the last one
	next     time.Time // when it may be started anew
}

func (w *worker) String() string { return executable.CommandOf(w.Entrypoint, w.Command) }

// Run sends the document, and waits for the answer.
func (w *worker) Run(asked context.Context, document method.Document) (string, error) {
	select {
	case w.turns <- struct{}{}:
	case <-asked.Done():
		return "", method.NotBegun{Err: asked.Err()}
	}
	s, err := w.ready(asked)
	if err != nil {
		<-w.turns
		return "", err
	}
	return w.ask(asked, s, document)
}

// ask sends a document, and gives its turn back once it is answered. An abandoned one keeps it, for the worker has that until then.
func (w *worker) ask(asked context.Context, s *session, document method.Document) (string, error) {
	ctx, free := method.Uncut(asked)
	defer free()
	r := request{method.Told(ctx, document), document, make(chan answer, 1)}
	late := time.AfterFunc(w.Timeout, func() { s.fail(&method.TimeoutError{Timeout: w.Timeout, Note: hung}) })
	leave := func() {
		late.Stop()
		<-w.turns
	}
	s.requests <- r
	if a, ok := s.await(ctx, r); ok {
		leave()
		return a.reply, a.err
	}
	go func() {
		_, _ = s.await(context.Background(), r)
		leave()
	}()
	return "", fmt.Errorf("its answer is not waited for any more: %w", ctx.Err())
}

// ready gives a session whose program has said hello.
func (w *worker) ready(asked context.Context) (*session, error) {
	s, err := w.current()
	if err != nil {
		return nil, err
	}
	select {
	case <-s.ready:
		return s, nil
	case <-s.over:
		return nil, s.err
	case <-asked.Done():
		return nil, method.NotBegun{Err: asked.Err()}
	}
}

// current gives the session that runs, and starts one where there is none. One that comes to its end is waited for.
func (w *worker) current() (*session, error) {
	for {
		s, err := w.startOnce()
		if err != nil || s.open.Err() == nil {
			return s, err
		}
		<-s.over
	}
}

func (w *worker) startOnce() (*session, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.running != nil {
		return w.running, nil
	}
	if w.now().Before(w.next) {
		return nil, w.failure
	}
	s, err := newSession(exec.Command(w.Entrypoint, w.Command...), w)
	if err != nil {
		return nil, w.failed(err, false)
	}
	w.running = s
	w.Log.Log(context.Background(), w.news(slog.LevelInfo), "a worker was started", "method", w.Name, "pid", s.ID())
	go w.own(s)
	return s, nil
}

// own waits for what ends a session, and ends all of it.
func (w *worker) own(s *session) {
	cause := s.wait()
	s.shut()
	s.End()
	s.words.close()
	w.lock.Lock()
	defer w.lock.Unlock()
	defer close(s.over)
	w.running = nil
	if cause == nil {
		return
	}
	s.err = w.failed(s.outcome(cause), s.answered)
	w.Log.Log(context.Background(), w.news(slog.LevelWarn), "a worker ended", "method", w.Name, "err", s.err)
}

// failed keeps account of a failure, and says when the worker is started anew: runs before that fail with the same words.
func (w *worker) failed(cause error, answered bool) error {
	if answered {
		w.failures = 0
	}
	w.failures++
	pause := w.pause()
	w.next = w.now().Add(pause)
	w.failure = fmt.Errorf("%w; the next run starts it anew", cause)
	if pause > 0 {
		w.failure = fmt.Errorf("%w; it has answered nothing since the failure before, and is started anew after %s", cause, pause)
	}
	return w.failure
}

// pause is none after the first failure, and then 1 s, 2 s, 4 s, up to a minute.
func (w *worker) pause() time.Duration {
	if w.failures < 2 {
		return 0
	}
	return min(firstPause<<min(w.failures-2, 10), longestPause)
}

// news is the level of what is the same each time while a worker keeps failing.
func (w *worker) news(usual slog.Level) slog.Level {
	if w.failures > 1 {
		return level.Methods
	}
	return usual
}

// Close takes all turns, so that nothing is in flight, and ends the program.
func (w *worker) Close() {
	for range cap(w.turns) {
		w.turns <- struct{}{}
	}
	w.lock.Lock()
	s := w.running
	w.lock.Unlock()
	if s != nil {
		s.shut()
		<-s.over
	}
}
