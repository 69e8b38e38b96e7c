package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// program is the running autoscaler.
type program struct {
	cmd      *exec.Cmd
	passes   chan pass
	stopping chan struct{}
	exited   chan struct{} // closed when it has ended, and log is no longer written
	log      []string      // its last lines
}

// buildProgram builds the program of the repository into a directory.
func buildProgram(ctx context.Context, repository, dir string) (string, error) {
	path := filepath.Join(dir, "custom-pod-autoscaler")
	command := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, "./cmd/custom-pod-autoscaler")
	command.Dir, command.Env = repository, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return path, nil
}

// startProgram runs the program in the example's folder.
func startProgram(path, example, kubeconfig string, overrides settings) (*program, error) {
	cmd := exec.Command(path, "--config", "config.yaml", "--kubeconfig", kubeconfig)
	cmd.Dir, cmd.Env = example, append(os.Environ(), overrides.environment()...)
	cmd.SysProcAttr = endedWithParent()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the program: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the program: %w", err)
	}
	p := &program{cmd: cmd, passes: make(chan pass), stopping: make(chan struct{}), exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		p.follow(bufio.NewScanner(stderr))
		_ = cmd.Wait() // its state is read by ended
	}()
	return p, nil
}

// follow reads the log to its end.
func (p *program) follow(log *bufio.Scanner) {
	const longest, kept = 1 << 20, 15
	log.Buffer(nil, longest)
	for log.Scan() {
		p.log = append(p.log, log.Text())
		p.log = p.log[max(0, len(p.log)-kept):]
		pass, ok := parsePass(log.Text())
		if !ok {
			continue
		}
		select {
		case p.passes <- pass:
		case <-p.stopping: // nobody listens any more
		}
	}
}

// ended is the error for a program that ended though nobody stopped it.
func (p *program) ended() error {
	return fmt.Errorf("the program ended by itself (%s); the last lines of its log:\n%s", p.cmd.ProcessState, strings.Join(p.log, "\n"))
}

// stop asks the program to end, and waits until it has.
func (p *program) stop() error {
	const patience = 15 * time.Second // user logic that is running may take its timeout
	close(p.stopping)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.exited:
		return nil
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return errors.New("stopping the program: it did not end when it was asked to, and was killed")
	}
}
