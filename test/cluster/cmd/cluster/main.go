// Command cluster starts a test cluster and keeps it until Ctrl-C or SIGTERM; `cluster build`
// only builds what it needs. It is run in the module test/:
//
//	go run ./cluster/cmd/cluster
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(whileGoRuns(ctx), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0:
		return keep(ctx)
	case len(args) == 1 && args[0] == "build":
		return cluster.Build(ctx, os.Stderr)
	}
	return errors.New("usage: cluster [build]")
}

// keep starts a cluster and stops it when ctx is over.
func keep(ctx context.Context) error {
	c, err := cluster.New(ctx, cluster.Options{Progress: os.Stderr})
	if err != nil {
		return err
	}
	fmt.Printf("export KUBECONFIG=%s\n", c.Kubeconfig())
	fmt.Fprintf(os.Stderr, "kubectl of this version: %s\nCtrl-C ends the cluster.\n", c.Kubectl())
	<-ctx.Done()
	return c.Stop(context.WithoutCancel(ctx))
}
