package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// fewest are the passes of a case whose budget is short.
const fewest = 3

// bench is all that the cases share.
type bench struct {
	options
	cluster  *cluster.Cluster
	program  string // a path
	site     site
	counts   map[string]counted
	progress io.Writer
	ends     []func() error
}

// measureAll starts a cluster and measures every case that the options ask for. What is left out, and how far it is, is
// told on standard error.
func measureAll(ctx context.Context, o options) (results []result, err error) {
	b := &bench{options: o, counts: map[string]counted{}, progress: os.Stderr}
	known, left, err := b.chosen()
	if err != nil {
		return nil, err
	}
	for _, c := range left {
		fmt.Fprintf(b.progress, "bench: left out, as the program does not know of it: %s\n", c)
	}
	if len(known) == 0 {
		return nil, errors.New("no case has such a name (-run)")
	}
	defer func() { err = errors.Join(err, b.end()) }()
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	return b.inOrder(ctx, known)
}

// inOrder measures one case after another, and has the cluster grow to their sizes. It gives what it has when one fails.
func (b *bench) inOrder(ctx context.Context, cases []benchCase) (results []result, err error) {
	load, err := newWorkload(b.cluster, b.progress)
	if err != nil {
		return nil, err
	}
	pods := 0
	for i, c := range cases {
		if c.pods != pods {
			if err := load.grow(ctx, c.pods); err != nil {
				return results, err
			}
			pods = c.pods
		}
		measured, err := b.measure(ctx, c)
		if err != nil {
			return results, fmt.Errorf("measuring %s: %w", c, err)
		}
		results = append(results, measured)
		fmt.Fprintf(b.progress, "bench: %d of %d: %s\n", i+1, len(cases), measured)
	}
	return results, nil
}

func (o options) chosen() (known, left []benchCase, err error) {
	named := func(from []benchCase) (chosen []benchCase) {
		for _, c := range from {
			if o.only.MatchString(c.String()) {
				chosen = append(chosen, c)
			}
		}
		return chosen
	}
	text, err := schema()
	if err != nil {
		return nil, nil, fmt.Errorf("finding out what the program knows: %w", err)
	}
	known, left = cases(text, o.pods)
	return named(known), named(left), nil
}

// measure measures one case: a program of its own, whose passes take turns with the floors.
func (b *bench) measure(ctx context.Context, c benchCase) (result, error) {
	count, err := b.countOnce(ctx, c)
	if err != nil {
		return result{}, err
	}
	reads, err := readsFloor(b.cluster.Config(), count.reads)
	if err != nil {
		return result{}, err
	}
	defer reads.close()
	logic, err := logics[c.logic].floor(ctx, b.site, c, count.documents())
	if err != nil {
		return result{}, err
	}
	defer logic.close()
	p, err := b.start(ctx, b.cluster.Kubeconfig(), c, logics[c.logic].settings(b.site), b.profileOf(c))
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	r := resultOf(c, count)
	if err := b.takeTurns(ctx, p, c, reads, logic, &r); err != nil {
		return result{}, err
	}
	return r, r.summarize()
}

// countOnce counts once for cases that differ in the kind of user logic only.
func (b *bench) countOnce(ctx context.Context, c benchCase) (counted, error) {
	alike := c
	alike.logic = overHTTP
	if found, ok := b.counts[alike.String()]; ok {
		return found, nil
	}
	found, err := b.count(ctx, alike)
	if err == nil {
		b.counts[alike.String()] = found
	}
	return found, err
}

// profileOf is the prefix of a case's profiles, or "".
func (b *bench) profileOf(c benchCase) string {
	if b.profile == "" {
		return ""
	}
	folder, _ := filepath.Abs(b.profile)
	return filepath.Join(folder, strings.NewReplacer("/", ",", ": ", "=").Replace(c.String()))
}

// takeTurns makes a pass, then the floors, again and again. The first turn, in which everybody connects, does not count.
func (b *bench) takeTurns(ctx context.Context, p *program, c benchCase, reads, logic floor, r *result) error {
	var before float64
	began := time.Now()
	for turn := range b.passes + 1 {
		if turn > fewest && time.Since(began) > b.budget {
			break
		}
		took, err := p.pass(ctx, c)
		if err != nil {
			return err
		}
		floors, err := turnOf(ctx, reads, logic)
		if err != nil {
			return err
		}
		if turn == 0 {
			if before, err = cpuOf(p.command.Process.Pid); err != nil {
				return err
			}
			continue
		}
		r.Calls, r.Floors = append(r.Calls, took.Seconds()), append(r.Floors, floors)
	}
	return r.ended(ctx, p, before)
}

// turnOf runs each of the floors once.
func turnOf(ctx context.Context, reads, logic floor) (turn turnOfFloors, err error) {
	before := selfCPU()
	if turn.Reads, err = timed(ctx, reads); err != nil {
		return turn, err
	}
	if turn.Logic, err = timed(ctx, logic); err != nil {
		return turn, err
	}
	turn.CPU = selfCPU() - before
	return turn, nil
}

// ended reads what the program has to say at the end.
func (r *result) ended(ctx context.Context, p *program, before float64) (err error) {
	after, err := cpuOf(p.command.Process.Pid)
	if err != nil {
		return err
	}
	r.CPU = (after - before) / float64(len(r.Calls))
	if r.PeakMiB, err = peakOf(p.command.Process.Pid); err != nil {
		return err
	}
	r.Passes, err = p.passed(ctx, len(r.Calls))
	return err
}

func timed(ctx context.Context, f floor) (seconds float64, err error) {
	began := time.Now()
	err = f.run(ctx)
	return time.Since(began).Seconds(), err
}

// selfCPU is the processor time of this process so far, without that of the processes that it has started.
func selfCPU() (seconds float64) {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // which fails for a wrong argument only
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
