package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
)

// process is one running component.
type process struct {
	name   string
	log    string
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
}

// startProcess runs cmd as a component that ends when this process does. It finds its home in
// its environment and nothing of the user's: no proxies, kubeconfigs or credentials.
func startProcess(name string, cmd *exec.Cmd, home, log string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer output.Close()
	cmd.Dir, cmd.Env = home, append(cmd.Env, "HOME="+home, "TMPDIR="+home)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = killedWithParent()
	if err := onStarterThread(cmd.Start); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &process{name: name, log: log, cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its ProcessState
		close(p.exited)
	}()
	return p, nil
}

// starterThread runs functions on one OS thread that lives as long as the process. The kernel
// signals a child when the thread that started it ends, and Go ends threads as it likes.
var starterThread = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

func onStarterThread(start func() error) error {
	result := make(chan error)
	starterThread() <- func() { result <- start() }
	return <-result
}

// waitReady asks until the process is ready, has exited, or ctx is over.
func (p *process) waitReady(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.exited:
			cancel(fmt.Errorf("ended before it was ready (%s)", p.cmd.ProcessState))
		case <-ctx.Done():
		}
	}()
	if err := poll(ctx, pollInterval, ready); err != nil {
		return fmt.Errorf("starting %s: %w; last lines of %s:\n%s", p.name, err, p.log, tail(p.log))
	}
	return nil
}

// kill ends the process and waits until it is gone. There is no farewell: what it holds is
// either thrown away or, for etcd, in files that the kernel has already taken.
func (p *process) kill(ctx context.Context) error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping %s: %w", p.name, context.Cause(ctx))
	}
}

// tail is the last lines of a file, as many as help in an error message.
func tail(path string) string {
	const size, lines = 8 << 10, 15
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > size {
		_, _ = file.Seek(-size, io.SeekEnd)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
