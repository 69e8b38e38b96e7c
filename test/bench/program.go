package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

const (
	// remembered is how many passes the program keeps.
	remembered = 100

	// longestPass is how long one may take, and longestStart how long until the program listens.
	longestPass  = 10 * time.Minute
	longestStart = 30 * time.Second
)

// program is the running autoscaler, which makes a pass when it is asked to.
type program struct {
	command *exec.Cmd
	api     string
	log     string // a file
	exited  chan struct{}
}

// start runs the program for a case until it listens.
func (b *bench) start(ctx context.Context, kubeconfig string, c benchCase, settings func(method, reply string) map[string]any, profile string) (*program, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(b.site.dir, "config.yaml")
	if err := os.WriteFile(config, []byte(c.config(port, settings)), 0o600); err != nil {
		return nil, err
	}
	for method, reply := range c.replies() {
		if err := os.WriteFile(filepath.Join(b.site.dir, method+replyFile), []byte(reply+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	p := &program{
		command: exec.Command(b.program, "--config", config, "--kubeconfig", kubeconfig),
		api:     fmt.Sprintf("http://127.0.0.1:%d", port), log: filepath.Join(b.site.dir, "log"), exited: make(chan struct{}),
	}
	p.command.Dir, p.command.Env, p.command.SysProcAttr = b.site.dir, append(os.Environ(), profileTo+"="+profile), endedWithParent()
	return p, p.run(ctx)
}

// profileTo is the environment variable by which bench/profiled knows where to write.
const profileTo = "BENCH_PROFILE"

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (p *program) run(ctx context.Context) error {
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer log.Close()
	p.command.Stdout, p.command.Stderr = log, log
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("starting the program: %w", err)
	}
	go func() {
		_ = p.command.Wait() // how it ended is in its ProcessState
		close(p.exited)
	}()
	ctx, cancel := context.WithTimeout(ctx, longestStart)
	defer cancel()
	for {
		if err = p.call(ctx, http.MethodGet, "/healthz", nil); err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.failed(errors.New("it ended at once"))
		case <-ctx.Done():
			p.stop()
			return p.failed(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// failed is an error with the end of the log.
func (p *program) failed(err error) error {
	text, _ := os.ReadFile(p.log)
	const shown = 2 << 10
	return fmt.Errorf("running the program: %w; its log ends:\n%s", err, text[max(0, len(text)-shown):])
}

// pass has the program make one pass, with all steps of one that the loop makes, and checks that it had everything and
// changed nothing. It gives how long the call took.
func (p *program) pass(ctx context.Context, c benchCase) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, longestPass)
	defer cancel()
	var answer userlogic.RESTEvaluation
	began := time.Now()
	err := p.call(ctx, http.MethodPost, "/api/v1/evaluation", &answer)
	took := time.Since(began)
	if err == nil && int(answer.TargetReplicas) != c.pods {
		err = fmt.Errorf("it decided on %d replicas instead of %d", answer.TargetReplicas, c.pods)
	}
	if err != nil {
		return 0, p.failed(err)
	}
	return took, nil
}

// passed gives how long the program says its last passes took, all stages together, in their order.
func (p *program) passed(ctx context.Context, count int) (seconds []float64, err error) {
	var decisions []userlogic.Decision
	if err := p.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/decisions?run_type=api&limit=%d", count), &decisions); err != nil {
		return nil, p.failed(err)
	}
	for _, d := range decisions {
		if d.Result != userlogic.Kept || d.KubernetesMetricsError != "" {
			return nil, p.failed(fmt.Errorf("a pass %s the replicas: %s", d.Result, d.KubernetesMetricsError))
		}
		seconds = append(seconds, d.Seconds)
	}
	slices.Reverse(seconds) // the newest came first
	return seconds, nil
}

// call makes a call of the REST API.
func (p *program) call(ctx context.Context, method, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, p.api+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", path, answer.Status, bytes.TrimSpace(text))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// stop asks the program to end, and waits until it has.
func (p *program) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.exited:
	case <-time.After(longestStart):
		_ = p.command.Process.Kill()
		<-p.exited
	}
}
