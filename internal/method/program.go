package method

import (
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
	// lastWords is how long the pipes may stay open after the process group has ended: they close at once, unless a
	// process that left the group holds them.
	lastWords = 200 * time.Millisecond
	// allWords is the same where every process of the run has ended. What they wrote is read to its end, also on a
	// machine that is busy with other things.
	allWords = 2 * time.Second
)

// program is a process group with a pipe to each of its three standard files, and a goroutine for each of these flows.
type program struct {
	*group
	stdin   io.WriteCloser
	stdout  io.ReadCloser
	stderr  io.ReadCloser
	copying sync.WaitGroup
}

// launch starts the command; its standard error flows to words. Command.Wait is not used, since it would close pipes
// that are still being read, and would not watch the time once the command itself has exited.
func launch(cmd *exec.Cmd, words io.Writer) (*program, error) {
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
	p := &program{group: group, stdin: stdin, stdout: stdout, stderr: stderr}
	p.copying.Go(func() { _, _ = copyAll(words, stderr) })
	return p, nil
}

// end ends the processes, then the pipes, then the goroutines: closing our end of a pipe is what sets a goroutine
// free when a process that left the group still holds the other.
func (p *program) end() {
	p.group.end()
	wait := allWords
	if len(p.left) > 0 {
		wait = lastWords
	}
	timer := time.AfterFunc(wait, p.close)
	p.copying.Wait()
	timer.Stop()
	p.close()
}

// close closes what is not closed yet.
func (p *program) close() {
	for _, pipe := range []io.Closer{p.stdin, p.stdout, p.stderr} {
		_ = pipe.Close()
	}
}

// withLeft adds what could not be ended, which a timeout has said already.
func (g *group) withLeft(err error) error {
	left := g.notEnded()
	if _, told := errors.AsType[*TimeoutError](err); told && strings.Contains(err.Error(), left) || left == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, left)
}

// withWords adds the end of standard error, where the author looks next.
func withWords(err error, words string) error {
	if words == "" {
		return fmt.Errorf("%w, standard error is empty", err)
	}
	return fmt.Errorf("%w, standard error ends: %q", err, words)
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
