package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// componentDeadline is for a component that is taken away or brought back.
const componentDeadline = time.Minute

// startAll starts the components stage by stage. The nodes come when kwok has prepared
// itself, and are ready before metrics-server looks at them: kwok does not like to do two
// things for the first time at once (see kwokEnv).
func (c *Cluster) startAll(ctx context.Context) error {
	for _, stage := range []int{storage, api, kubelet} {
		if err := c.startStage(ctx, stage); err != nil {
			return err
		}
	}
	if err := c.createObjects(ctx); err != nil {
		return err
	}
	if err := poll(ctx, pollInterval, c.nodesReady); err != nil {
		return fmt.Errorf("waiting for the nodes: %w", err)
	}
	return c.startStage(ctx, clients)
}

func (c *Cluster) startStage(ctx context.Context, stage int) error {
	var group sync.WaitGroup
	errs := make([]error, len(components))
	for i, part := range components {
		if part.stage == stage {
			group.Go(func() { errs[i] = c.startComponent(ctx, part) })
		}
	}
	group.Wait()
	return errors.Join(errs...)
}

func (c *Cluster) startComponent(ctx context.Context, part component) error {
	cmd := exec.Command(c.programs[part.name], part.args(c)...)
	cmd.Env = part.env
	p, err := startProcess(part.name, cmd, c.path("home"), c.path("logs", part.name+".log"))
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.processes[part.name] = p
	c.mu.Unlock()
	if err := p.waitReady(ctx, func(ctx context.Context) error { return part.ready(ctx, c) }); err != nil {
		return err
	}
	go c.reportExit(p)
	return nil
}

// reportExit tells of a component that ended though nobody stopped it: every error that a
// test sees after it would otherwise point elsewhere.
func (c *Cluster) reportExit(p *process) {
	<-p.exited
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.processes[p.name] == p {
		fmt.Fprintf(c.progress, "test cluster: %s ended by itself (%s); last lines of %s:\n%s\n", p.name, p.cmd.ProcessState, p.log, tail(p.log))
	}
}

// StopComponent takes a component away, as a crash of its machine would. It is gone when the
// call returns.
func (c *Cluster) StopComponent(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, componentDeadline)
	defer cancel()
	c.mu.Lock()
	p := c.processes[name]
	delete(c.processes, name)
	c.mu.Unlock()
	if p == nil {
		return fmt.Errorf("stopping %s: it is not running", name)
	}
	return p.kill(ctx)
}

// StartComponent brings a stopped component back, with the ports and the data that it had,
// and returns when it is ready.
func (c *Cluster) StartComponent(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, componentDeadline)
	defer cancel()
	c.mu.Lock()
	running := c.processes[name] != nil
	c.mu.Unlock()
	if running {
		return fmt.Errorf("starting %s: it is running", name)
	}
	part, ok := find(name)
	if !ok || part.stage == notStarted {
		return fmt.Errorf("starting %s: there is no such component", name)
	}
	return c.startComponent(ctx, part)
}

func (c *Cluster) stopAll(ctx context.Context) error {
	c.mu.Lock()
	stopping := c.processes
	c.processes = map[string]*process{}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, componentDeadline)
	defer cancel()
	var errs []error
	for _, p := range stopping {
		errs = append(errs, p.kill(ctx))
	}
	return errors.Join(errs...)
}

// Signal sends a signal to a component: one that is stopped by SIGSTOP still has its port, and answers nothing.
func (c *Cluster) Signal(name string, signal os.Signal) error {
	c.mu.Lock()
	p := c.processes[name]
	c.mu.Unlock()
	if p == nil {
		return fmt.Errorf("signalling %s: it is not running", name)
	}
	return p.cmd.Process.Signal(signal)
}
