package method

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// longestNames is how much of the names of processes a line of the log shows.
const longestNames = 200

// wrote is what is logged of a program's standard error.
const wrote = "a method wrote to standard error"

// shell runs a program: the document on its standard input, the reply on its standard output, and a non-zero exit
// to say that there is none.
type shell struct {
	config.Shell
	name    string
	timeout time.Duration
	limit   int64
	log     *slog.Logger

	outlived, left sync.Once // each is logged once
}

func newShell(name string, m config.Method, log *slog.Logger) (kind, error) {
	if m.Shell == nil {
		return nil, errors.New("type is shell, but there is no shell: say which program to run")
	}
	return &shell{Shell: *m.Shell, name: name, timeout: m.Timeout.Duration(), limit: m.MaxReplyBytes, log: log}, nil
}

func (s *shell) String() string { return commandOf(s.Entrypoint, s.Command) }

func (s *shell) close() {}

// commandOf is a command without its arguments, any of which may be a credential.
func commandOf(entrypoint string, arguments []string) string {
	program := secret.Program(entrypoint)
	if len(arguments) == 0 {
		return program
	}
	return program + ", " + text.Count(len(arguments), "argument", "arguments")
}

func (s *shell) run(ctx context.Context, document Document) (string, error) {
	ctx, cancel := begun(ctx, s.timeout)
	defer cancel()
	cmd := exec.Command(s.Entrypoint, s.Command...)
	cmd.Env = append(os.Environ(), variables(ctx, document)...)
	r, err := start(cmd, document, s.limit)
	if err != nil {
		return "", notStarted(cmd.Path, err)
	}
	err = r.wait(ctx)
	r.end()
	s.report(ctx, r)
	if err = s.outcome(r, err); err != nil {
		return "", err
	}
	if words := r.words.String(); s.LogStderr && words != "" {
		s.log.InfoContext(ctx, wrote, "method", s.name, "stderr", words)
	}
	return r.reply, nil
}

// report logs what a run left behind, the first time that it does.
func (s *shell) report(ctx context.Context, r *shellRun) {
	if len(r.outlived) > 0 {
		s.outlived.Do(func() {
			s.log.WarnContext(ctx, "a method left processes behind, which were ended; they end with every run", "method", s.name,
				"processes", shorten(strings.Join(r.outlived, ", "), longestNames))
		})
	}
	if left := r.notEnded(); left != "" {
		s.left.Do(func() { s.log.WarnContext(ctx, "a method left processes behind", "method", s.name, "err", left) })
	}
}

// shellRun is one run of a program.
//
//	start ---- document, reply, standard error flow ---- end
//	           wait: until the reply has ended and the program has exited, or the time is up
type shellRun struct {
	*program
	words tail // read when the program has ended

	replied  chan struct{} // closed once reply and replyErr are set
	reply    string
	replyErr error

	left bool // the program itself exited before its reply ended
}

func start(cmd *exec.Cmd, document Document, limit int64) (*shellRun, error) {
	r := &shellRun{replied: make(chan struct{})}
	var err error
	if r.program, err = launch(cmd, &r.words); err != nil {
		return nil, err
	}
	r.copying.Go(func() {
		// A program need not read its document, so an error here is not one of the run.
		_, _ = document.WriteTo(r.stdin)
		_ = r.stdin.Close()
	})
	r.copying.Go(func() {
		r.reply, r.replyErr = readReply(r.stdout, limit)
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
		r.left = r.hasExited()
		return ctx.Err()
	}
	if r.replyErr != nil {
		return fmt.Errorf("reading its reply: %w", r.replyErr)
	}
	select {
	case <-r.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outcome says why there is no reply.
func (s *shell) outcome(r *shellRun, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded) && r.left:
		err = &TimeoutError{s.timeout, "the program exited, but a process that it started kept standard output open " +
			"(send its output elsewhere, such as >/dev/null); " + r.ended()}
	case errors.Is(err, context.DeadlineExceeded):
		err = &TimeoutError{s.timeout, r.ended()}
	case err == nil && r.stateErr != nil:
		err = fmt.Errorf("reading its exit status: %w", r.stateErr)
	case err == nil && r.state.Success():
		return nil
	case err == nil:
		err = exitError(r.state)
	}
	return withWords(r.withLeft(err), r.words.String())
}

// exitError guesses at KILL, since whoever sends it leaves no word: in a container it is nearly always the kernel.
func exitError(state *os.ProcessState) error {
	err := &exec.ExitError{ProcessState: state}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return fmt.Errorf("%w (out of memory? then raise the container's memory limit)", err)
	}
	return err
}

// notStarted names the file and the way out: what the system says of a program that cannot be started is short.
func notStarted(path string, err error) error {
	hint := ""
	info, statErr := os.Stat(path)
	switch {
	case statErr == nil && info.IsDir():
		hint = "; it is a directory: entrypoint has to be a program"
	case statErr == nil && errors.Is(err, fs.ErrNotExist):
		hint = "; it is there, but the interpreter in its first line, or its loader, is not: is that in the image?"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		hint = "; there is no such program: is it in the image, and is entrypoint right?"
	case errors.Is(err, fs.ErrPermission):
		hint = "; it may not be executed: chmod +x it, or make its interpreter the entrypoint"
	case errors.Is(err, syscall.ENOEXEC):
		hint = "; it is no program of this machine: does it lack a first line like #!/bin/sh, or is it of another architecture?"
	}
	if named, is := errors.AsType[*fs.PathError](err); is {
		err = named.Err // the path is said once already
	}
	program := secret.Program(path)
	if named, is := errors.AsType[*exec.Error](err); is && program != path {
		err = named.Err // it quotes the arguments that were written behind the path
	}
	if program != path {
		hint = "; entrypoint is the path of a program alone: its arguments belong into command"
	}
	err = fmt.Errorf("starting %s: %w%s", program, err, hint)
	if hint != "" { // without one, the machine may be short of processes or files
		return config.Mistake{Err: err}
	}
	return err
}
