// Package shell is the kind of method that starts a program for each document.
package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/executable"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
)

// longestNames is how much of the names of processes a line of the log shows.
const longestNames = 200

// shell runs a program: the document on its standard input, the reply on its standard output, and a non-zero exit
// to say that there is none.
type shell struct {
	Settings
	method.Common

	outlived, left sync.Once // each is logged once
}

func (s *shell) String() string { return executable.CommandOf(s.Entrypoint, s.Command) }

// Close has nothing to end: no run outlasts itself.
func (s *shell) Close() {}

// Run starts the program, and waits for its reply.
func (s *shell) Run(ctx context.Context, document method.Document) (string, error) {
	ctx, cancel := method.Begun(ctx, s.Timeout)
	defer cancel()
	cmd := exec.Command(s.Entrypoint, s.Command...)
	cmd.Env = append(os.Environ(), method.Variables(ctx, document)...)
	r, err := start(cmd, document, s.MaxReplyBytes)
	if err != nil {
		return "", executable.NotStarted(cmd.Path, err)
	}
	err = r.wait(ctx)
	r.End()
	s.report(ctx, r)
	if err = s.outcome(r, err); err != nil {
		return "", err
	}
	if words := r.words.String(); s.LogStderr && words != "" {
		s.Log.InfoContext(ctx, process.Wrote, "method", s.Name, "stderr", words)
	}
	return r.reply, nil
}

// report logs what a run left behind, the first time that it does.
func (s *shell) report(ctx context.Context, r *shellRun) {
	if len(r.Outlived()) > 0 {
		s.outlived.Do(func() {
			s.Log.WarnContext(ctx, "a method left processes behind, which were ended; they end with every run", "method", s.Name,
				"processes", method.Shorten(strings.Join(r.Outlived(), ", "), longestNames))
		})
	}
	if left := r.NotEnded(); left != "" {
		s.left.Do(func() { s.Log.WarnContext(ctx, "a method left processes behind", "method", s.Name, "err", left) })
	}
}

// shellRun is one run of a program.
//
//	start ---- document, reply, standard error flow ---- end
//	           wait: until the reply has ended and the program has exited, or the time is up
type shellRun struct {
	*process.Program
	words process.Tail // read when the program has ended

	replied  chan struct{} // closed once reply and replyErr are set
	reply    string
	replyErr error

	left bool // the program itself exited before its reply ended
}

func start(cmd *exec.Cmd, document method.Document, limit int64) (*shellRun, error) {
	r := &shellRun{replied: make(chan struct{})}
	var err error
	if r.Program, err = process.Launch(cmd, &r.words); err != nil {
		return nil, err
	}
	r.Go(func() {
		// A program need not read its document, so an error here is not one of the run.
		_, _ = document.WriteTo(r.Stdin)
		_ = r.Stdin.Close()
	})
	r.Go(func() {
		r.reply, r.replyErr = method.ReadReply(r.Stdout, limit)
		close(r.replied)
	})
	return r, nil
}

// wait returns nil when the whole reply is there and the program has exited. A reply ends when standard output is
// closed by all who hold it, so a child that outlives its parent is waited for.
func (r *shellRun) wait(ctx context.Context) error {
	select {
	case <-r.replied:
	case <-ctx.Done():
		r.left = r.HasExited()
		return ctx.Err()
	}
	if r.replyErr != nil {
		return fmt.Errorf("reading its reply: %w", r.replyErr)
	}
	select {
	case <-r.Exited():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outcome says why there is no reply.
func (s *shell) outcome(r *shellRun, err error) error {
	state, stateErr := r.State()
	switch {
	case errors.Is(err, context.DeadlineExceeded) && r.left:
		err = &method.TimeoutError{Timeout: s.Timeout, Note: "the program exited, but a process that it started kept standard output open " +
			"(send its output elsewhere, such as >/dev/null); " + r.Ended()}
	case errors.Is(err, context.DeadlineExceeded):
		err = &method.TimeoutError{Timeout: s.Timeout, Note: r.Ended()}
	case err == nil && stateErr != nil:
		err = fmt.Errorf("reading its exit status: %w", stateErr)
	case err == nil && state.Success():
		return nil
	case err == nil:
		err = executable.ExitError(state)
	}
	return process.WithWords(r.WithLeft(err), r.words.String())
}
