package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// demo is one run.
type demo struct {
	out      io.Writer // what is shown
	progress *progress // what is being waited for
	length   time.Duration

	view     view
	workload *workload
	program  *program
	story    *story
}

// run shows the demo:
//
//  1. look for python3
//  2. build the program
//  3. start a cluster
//  4. deploy the example, and wait until its cpu is measured
//  5. start the program
//  6. follow until the load has risen and fallen
//  7. sum up
//
// What was started is stopped in reverse, whatever happened.
func (d *demo) run(ctx context.Context) (err error) {
	// The kernel ends the program when the thread that started it does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if err := checkPython(ctx); err != nil {
		return err
	}
	repository, err := findRepository(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "custom-pod-autoscaler-demo-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d.progress.say("building the program")
	path, err := buildProgram(ctx, repository, dir)
	if err != nil {
		return interrupted(ctx, err)
	}
	c, err := cluster.New(ctx, cluster.Options{Progress: d.progress})
	if err != nil {
		return interrupted(ctx, fmt.Errorf("starting the cluster: %w", err))
	}
	defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
	return interrupted(ctx, d.onCluster(ctx, c, path, filepath.Join(repository, "examples", "k8s-metrics-cpu")))
}

// interrupted is the error of a step: whatever fails after Ctrl-C fails because of it.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func checkPython(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, "python3", "--version").CombinedOutput(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("running python3: %w\n%sthe example's scripts are Python: install python3", err, out)
	}
	return ctx.Err()
}

// findRepository is the folder above that of our own module.
func findRepository(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	command.Env = append(os.Environ(), "GOWORK=off")
	module, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("finding the repository (is this run in its folder test?): %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(module))), nil
}

func (d *demo) onCluster(ctx context.Context, c *cluster.Cluster, path, example string) (err error) {
	load := hill{low: 80, high: 760, length: d.length}
	overrides := settings{interval: 3 * time.Second, stabilization: (d.length * 2 / 11).Truncate(time.Second)}
	d.progress.say("deploying examples/k8s-metrics-cpu/deployment.yaml")
	if d.workload, err = deploy(ctx, c, filepath.Join(example, "deployment.yaml"), load.at(0)); err != nil {
		return err
	}
	d.progress.say("waiting for its cpu (metrics-server looks every 10s, and needs two looks)")
	if err := c.WaitPodMetrics(ctx, namespace, d.workload.selector, 1); err != nil {
		return err
	}
	d.progress.say("starting the program; the load takes %s, and Ctrl-C ends it before", d.length)
	if d.program, err = startProgram(path, example, c.Kubeconfig(), overrides); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.program.stop()) }()
	d.story = &story{load: load, request: d.workload.request, began: time.Now()}
	if err := d.follow(ctx, overrides); err != nil {
		return err
	}
	return d.sumUp()
}

// follow shows the story until the load has risen and fallen. The view is whole again when it returns.
func (d *demo) follow(ctx context.Context, overrides settings) error {
	d.progress.hold()
	defer d.progress.release()
	d.view = newView(d.out, overrides)
	defer d.view.close()
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	for time.Since(d.story.began) < d.length {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.program.exited:
			return d.program.ended()
		case pass := <-d.program.passes:
			d.story.passes = append(d.story.passes, pass)
		case <-seconds.C:
			if err := d.observe(ctx); err != nil {
				return err
			}
		}
		d.view.show(d.story)
	}
	return nil
}

// observe makes the pods carry the load of this moment, and notes what there is.
func (d *demo) observe(ctx context.Context) error {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at := time.Since(d.story.began)
	seen, err := d.workload.carry(ctx, d.story.load.at(at))
	if err != nil {
		return err
	}
	seen.at = at
	d.story.samples = append(d.story.samples, seen)
	return nil
}

// sumUp writes the summary, and fails if the replicas did not follow the load.
func (d *demo) sumUp() error {
	sum := summarize(d.story)
	fmt.Fprintln(d.out)
	for _, line := range sum.lines() {
		fmt.Fprintln(d.out, write(line, colours(d.out)))
	}
	return sum.problem()
}
