package method

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// longestStderr is how much of the end of standard error is kept.
	longestStderr = 4 << 10

	// lastWords is how long standard error may stay open after the process group has ended: it closes at once,
	// unless a process that left the group holds it.
	lastWords = 200 * time.Millisecond
)

// program is one run: a process group with a pipe to each of its three standard files.
//
//	start ---- document, reply, standard error flow ---- end
//	           wait: until the reply has ended and the program has exited, or the time is up
type program struct {
	*group
	pipes   []io.Closer
	copying sync.WaitGroup

	replied  chan struct{} // closed once reply and replyErr are set
	reply    string
	replyErr error

	silent chan struct{} // closed once standard error is at its end
	stderr tail

	left bool // the program itself exited before its reply ended
}

// start starts the command and the three flows. Command.Wait is not used, since it would close pipes that are still
// being read, and would not watch the time once the command itself has exited.
func start(cmd *exec.Cmd, document []byte, limit int64) (*program, error) {
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	stderr, errErr := cmd.StderrPipe()
	if err := errors.Join(inErr, outErr, errErr); err != nil {
		return nil, fmt.Errorf("opening pipes: %w", err)
	}
	group, err := startGroup(cmd)
	if err != nil {
		return nil, err
	}
	p := &program{
		group:   group,
		pipes:   []io.Closer{stdin, stdout, stderr},
		replied: make(chan struct{}),
		silent:  make(chan struct{}),
	}
	p.copying.Go(func() {
		// A program need not read its document, so an error here is not one of the run.
		_, _ = stdin.Write(document)
		_ = stdin.Close()
	})
	p.copying.Go(func() {
		p.reply, p.replyErr = readReply(stdout, limit)
		close(p.replied)
	})
	p.copying.Go(func() {
		_, _ = io.Copy(&p.stderr, stderr)
		close(p.silent)
	})
	return p, nil
}

// wait returns nil when the whole reply is there and the program has exited. A reply ends when standard output is
// closed by all who hold it, so a child that outlives its parent is waited for.
func (p *program) wait(ctx context.Context) error {
	select {
	case <-p.replied:
	case <-ctx.Done():
		p.left = p.hasExited()
		return ctx.Err()
	}
	if p.replyErr != nil {
		return fmt.Errorf("reading its reply: %w", p.replyErr)
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end ends the processes, then the pipes, then the goroutines: closing our end of a pipe is what sets a goroutine
// free when a process that left the group still holds the other.
func (p *program) end() {
	p.group.end()
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-p.silent:
	case <-timer.C:
	}
	for _, pipe := range p.pipes {
		_ = pipe.Close()
	}
	p.copying.Wait()
}

// tail keeps the end of what is written to it.
type tail struct {
	kept []byte
	cut  bool
}

func (t *tail) Write(text []byte) (int, error) {
	t.kept = append(t.kept, text...)
	if over := len(t.kept) - longestStderr; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
	return len(text), nil
}

// String is the whole lines that were kept, or what there is of a line that is longer than that.
func (t *tail) String() string {
	text := strings.TrimSpace(string(t.kept))
	if _, rest, found := strings.Cut(text, "\n"); t.cut && found {
		text = rest
	}
	return strings.ToValidUTF8(text, "?")
}
