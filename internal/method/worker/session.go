package worker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/executable"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
)

const (
	// farewell is how long a worker may take to exit once its standard input has ended.
	farewell = 2 * time.Second
	// writeBuffer holds what is written at once, when several documents wait.
	writeBuffer = 64 << 10
)

// errExited is why a session ended whose program exited by itself: its state says how.
var errExited = errors.New("it exited")

// errNoServe is why a session ended whose program exited, and all was well for it.
var errNoServe error = &fault.Fault{
	Err:  errors.New("it exited before it said hello"),
	Hint: "does the script end with cpa_worker.serve(function), or answer the first line that it is given?",
}

// session is one program of a worker, from its start to its end.
//
//	start -> hello -> ready ---- requests and answers ---- failed, exited or shut -> end -> over
type session struct {
	*process.Program
	words lineLog

	open context.Context // done when no more is written: standard input is closed then
	shut context.CancelFunc

	ready    chan struct{} // closed when the program has said hello
	requests chan request
	failed   chan error // why it ends; the first reason counts

	over     chan struct{} // closed when all of it has ended, and err is set
	err      error         // what its runs fail with
	answered bool          // anything; read when all has ended

	lock  sync.Mutex
	asked map[uint64]chan<- answer // by their ids
}

// request is a document on its way, and where its answer is waited for.
type request struct {
	told     map[string]string
	document method.Document
	answer   chan answer
}

func newSession(cmd *exec.Cmd, of *worker) (*session, error) {
	s := &session{
		words: lineLog{log: of.Log, method: of.Name},
		ready: make(chan struct{}), over: make(chan struct{}), failed: make(chan error, 1),
		requests: make(chan request, of.Concurrency), // each run has one of its own there at most
		asked:    map[uint64]chan<- answer{},
	}
	cmd.Env = os.Environ()
	var err error
	if s.Program, err = process.Launch(cmd, &s.words); err != nil {
		return nil, executable.NotStarted(cmd.Path, err)
	}
	s.open, s.shut = context.WithCancel(context.Background())
	s.Go(func() { s.write(of.Name) })
	s.Go(func() { s.fail(s.read(of)) })
	return s, nil
}

// await waits for the answer to a request, or until ctx is done.
func (s *session) await(ctx context.Context, r request) (a answer, ok bool) {
	select {
	case a = <-r.answer:
		return a, true
	case <-ctx.Done():
		return answer{}, false
	case <-s.over:
	}
	select {
	case a = <-r.answer: // its last word
		return a, true
	default:
		return answer{err: s.err}, true
	}
}

func (s *session) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// wait gives why the session ends: nil if it was shut. Of a program that has exited what it wrote last is read first,
// unless a process that it started keeps standard output open.
func (s *session) wait() error {
	select {
	case err := <-s.failed:
		return err
	case <-s.Exited():
		select {
		case err := <-s.failed:
			return err
		case <-time.After(process.LastWords):
			return errExited
		}
	case <-s.open.Done():
		select {
		case <-s.Exited():
		case <-time.After(farewell):
		}
		return nil
	}
}

// outcome is a cause with what the program, which has ended, has to say about it.
func (s *session) outcome(cause error) error {
	state, stateErr := s.State()
	switch {
	case cause != errExited:
	case stateErr != nil:
		cause = fmt.Errorf("reading its exit status: %w", stateErr)
	case state.Success():
		cause = errors.New("it exited before its standard input had ended")
		if !s.said() {
			return process.WithWords(s.WithLeft(errNoServe), s.words.String())
		}
	default:
		cause = executable.ExitError(state)
	}
	return process.WithWords(s.WithLeft(cause), s.words.String())
}

// said reports whether the program has said hello.
func (s *session) said() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// write writes hello and the requests, until the session is shut or the program does not listen any more. What is
// written is sent when nothing waits to be written behind it.
func (s *session) write(method string) {
	defer s.Stdin.Close()
	out := bufio.NewWriterSize(s.Stdin, writeBuffer)
	fmt.Fprintf(out, `{"cpaWorker":{"versions":[%d],"method":%q}}`+"\n", protocolVersion, method)
	for id := uint64(1); ; id++ {
		if len(s.requests) == 0 && out.Flush() != nil {
			return
		}
		select {
		case <-s.open.Done():
			return
		case r := <-s.requests:
			s.lock.Lock()
			s.asked[id] = r.answer
			s.lock.Unlock()
			r.write(out, id)
		}
	}
}

func (r request) write(out *bufio.Writer, id uint64) {
	line := strconv.AppendUint(append(out.AvailableBuffer(), `{"id":`...), id, 10)
	for _, field := range []struct{ header, name string }{
		{method.TimeHeader, "time"}, {"traceparent", "traceparent"}, {"tracestate", "tracestate"},
	} {
		if value := r.told[field.header]; value != "" {
			line = append(append(append(line, `,"`...), field.name...), `":`...)
			line = strconv.AppendQuote(line, value)
		}
	}
	_, _ = out.Write(append(line, `,"document":`...)) // an error shows when it is flushed
	_, _ = r.document.WriteTo(out)
	_, _ = out.WriteString("}\n")
}

// read reads hello and the answers, and gives why it stopped.
func (s *session) read(of *worker) error {
	late := time.AfterFunc(of.StartTimeout.Duration(), func() { s.fail(noHello(of.StartTimeout.Duration())) })
	defer late.Stop()
	lines := newLines(s.Stdout, of.MaxReplyBytes)
	if lines.Scan() {
		if err := readHello(lines.Bytes()); err != nil {
			return err
		}
		late.Stop()
		close(s.ready)
	}
	for lines.Scan() {
		if err := s.answer(lines.Bytes(), of.MaxReplyBytes); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("it wrote a line that is too long for any reply: %w", &method.TooLongError{Limit: of.MaxReplyBytes})
	}
	return s.silence()
}

// silence is why no more is to be read.
func (s *session) silence() error {
	select {
	case <-s.Exited():
		return errExited
	case <-time.After(process.LastWords):
		return errors.New("it closed its standard output")
	}
}

// answer hands an answer to who waits for it.
func (s *session) answer(line []byte, limit int64) error {
	id, a, err := readAnswer(line, limit)
	if err != nil {
		return err
	}
	s.lock.Lock()
	waits, ok := s.asked[id]
	delete(s.asked, id)
	s.lock.Unlock()
	if !ok {
		return fmt.Errorf("it answered the document %d, which it was not given or has answered before: answer each once, with its id", id)
	}
	s.answered = true
	waits <- a
	return nil
}

// mostLines is how many lines of a worker's standard error are logged a second: one that prints without end must not fill a disk.
const mostLines = 100

// lineLog logs what is written to it line by line, and keeps the end of it. Of a long line the beginning is logged, and of more lines
// a second than there may be how many they are.
type lineLog struct {
	process.Tail
	log    *slog.Logger
	method string
	line   []byte

	second  time.Time // since when lines are counted
	lines   int       // in it
	leftOut int       // of them
}

func (l *lineLog) Write(text []byte) (int, error) {
	for piece := range bytes.Lines(text) {
		l.line = append(l.line, piece[:min(len(piece), process.LongestTail-len(l.line))]...)
		if piece[len(piece)-1] == '\n' {
			l.end()
		}
	}
	return l.Tail.Write(text)
}

// end logs what there is of a line, with the blanks that it begins with.
func (l *lineLog) end() {
	line := bytes.TrimRight(l.line, " \t\r\n")
	l.line = l.line[:0]
	if len(line) == 0 {
		return
	}
	if now := time.Now(); now.Sub(l.second) >= time.Second {
		l.tellLeftOut()
		l.second, l.lines = now, 0
	}
	if l.lines++; l.lines > mostLines {
		l.leftOut++
		return
	}
	l.log.Info(process.Wrote, "method", l.method, "stderr", strings.ToValidUTF8(string(line), "?"))
}

// tellLeftOut says how many lines were not logged since it was last said.
func (l *lineLog) tellLeftOut() {
	if l.leftOut > 0 {
		l.log.Warn("a method wrote more lines to standard error than are logged a second", "method", l.method, "leftOut", l.leftOut, "logged", mostLines)
	}
	l.leftOut = 0
}

// close logs what has not been logged.
func (l *lineLog) close() {
	l.end()
	l.tellLeftOut()
}
