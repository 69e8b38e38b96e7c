package process

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
	// LongestTail is how much of the end of standard error is kept.
	LongestTail = 4 << 10
	// LastWords is how long the pipes may stay open after the process group has ended: they close at once, unless a
	// process that left the group holds them.
	LastWords = 200 * time.Millisecond
	// allWords is the same where every process of the run has ended. What they wrote is read to its end, also on a
	// machine that is busy with other things.
	allWords = 2 * time.Second
)

// Wrote is what is logged of a program's standard error.
const Wrote = "a method wrote to standard error"

// Program is a process group with a pipe to each of its three standard files, and a goroutine for each of these flows.
type Program struct {
	*group
	Stdin   io.WriteCloser
	Stdout  io.ReadCloser
	stderr  io.ReadCloser
	copying sync.WaitGroup
}

// Launch starts the command; its standard error flows to words. Command.Wait is not used, since it would close pipes
// that are still being read, and would not watch the time once the command itself has exited.
func Launch(cmd *exec.Cmd, words io.Writer) (*Program, error) {
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
	p := &Program{group: group, Stdin: stdin, Stdout: stdout, stderr: stderr}
	p.copying.Go(func() { _, _ = Copy(words, stderr) })
	return p, nil
}

// Go copies what flows, until it ends: End waits for it.
func (p *Program) Go(copying func()) { p.copying.Go(copying) }

// End ends the processes, then the pipes, then the goroutines: closing our end of a pipe is what sets a goroutine
// free when a process that left the group still holds the other.
func (p *Program) End() {
	p.group.end()
	wait := allWords
	if len(p.left) > 0 {
		wait = LastWords
	}
	timer := time.AfterFunc(wait, p.close)
	p.copying.Wait()
	timer.Stop()
	p.close()
}

// close closes what is not closed yet.
func (p *Program) close() {
	for _, pipe := range []io.Closer{p.Stdin, p.Stdout, p.stderr} {
		_ = pipe.Close()
	}
}

// WithLeft adds what could not be ended, which a timeout has said already.
func (g *group) WithLeft(err error) error {
	left := g.NotEnded()
	if strings.Contains(err.Error(), left) {
		return err
	}
	return fmt.Errorf("%w; %s", err, left)
}

// WithWords adds the end of standard error, where the author looks next.
func WithWords(err error, words string) error {
	if words == "" {
		return fmt.Errorf("%w, standard error is empty", err)
	}
	return fmt.Errorf("%w, standard error ends: %q", err, words)
}

// Tail keeps the end of what is written to it.
type Tail struct {
	kept []byte
	cut  bool
}

func (t *Tail) Write(text []byte) (int, error) {
	t.kept = append(t.kept, text...)
	if over := len(t.kept) - LongestTail; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
	return len(text), nil
}

// String is the whole lines that were kept, or what there is of a line that is longer than that.
func (t *Tail) String() string {
	text := strings.TrimSpace(string(t.kept))
	if _, rest, found := strings.Cut(text, "\n"); t.cut && found {
		text = rest
	}
	return strings.ToValidUTF8(text, "?")
}

// buffers are what is read by: a run for each of thousands of pods would make as many of them.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// Copy copies all there is, by a buffer that others have used.
func Copy(to io.Writer, from io.Reader) (int64, error) {
	buffer := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buffer)
	return io.CopyBuffer(to, struct{ io.Reader }{from}, buffer[:]) // a reader that could write by itself would take a buffer of its own
}
