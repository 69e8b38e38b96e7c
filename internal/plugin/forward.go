package plugin

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
)

// forwarding is what kubectl prints once it listens.
var forwarding = regexp.MustCompile(`^Forwarding from (127\.0\.0\.1:\d+) -> `)

var errEnded = errors.New("it ended")

// Kubectl is the program that has called us, and the flags by which it finds the same cluster. It forwards in our place: the
// libraries for that would make every autoscaler larger.
type Kubectl struct {
	Program string
	Flags   []string
}

// Forward makes a port of a pod reachable on loopback, where calls are as from within the pod. It goes on until stop, which
// tells what kubectl had to say meanwhile.
func (k Kubectl) Forward(ctx context.Context, namespace, pod string, port int) (address string, stop func() (said string), err error) {
	ctx, cancel := context.WithCancel(ctx)
	arguments := []string{"port-forward", "--address=127.0.0.1", "--namespace=" + namespace, "pod/" + pod, fmt.Sprintf(":%d", port)}
	command := exec.CommandContext(ctx, k.Program, append(k.Flags, arguments...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		cancel()
		return "", nil, fmt.Errorf("starting kubectl, which forwards the port: %w: is it in your PATH?", err)
	}
	stop = func() string {
		cancel()
		_ = command.Wait() // which was killed
		return strings.TrimSpace(stderr.String())
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if match := forwarding.FindStringSubmatch(lines.Text()); match != nil {
			go func() { _, _ = io.Copy(io.Discard, stdout) }() // it prints a line for each connection
			return match[1], stop, nil
		}
	}
	ended := cmp.Or(ctx.Err(), command.Wait(), errEnded)
	cancel()
	return "", nil, fmt.Errorf("forwarding port %d of pod %q in namespace %q by kubectl: %w: %s", port, pod, namespace, ended, strings.TrimSpace(stderr.String()))
}
