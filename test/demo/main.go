// Command demo shows the autoscaler at work: the real program with the real scripts of examples/k8s-metrics-cpu, on a
// real control plane whose pods are simulated. It ends by itself, with a summary, and fails if the replicas did not
// follow the load. It is run in the module test/:
//
//	go run ./demo
//
// On a terminal it draws; anywhere else it writes lines.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// The pods are measured every ten seconds, and a new one when it was seen twice.
const shortest = time.Minute

func main() {
	length := flag.Duration("for", 110*time.Second, "how long the load takes to rise and fall")
	flag.Parse()
	if *length < shortest || flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "usage: demo [-for DURATION], at least %s\n", shortest)
		os.Exit(exitUsage)
	}
	// SIGPIPE too: who reads our lines may stop before we do.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	err := (&demo{out: os.Stdout, progress: &progress{out: os.Stderr}, length: *length}).run(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "demo: ended early:", err)
		os.Exit(exitInterrupted)
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(exitFailed)
	}
}
