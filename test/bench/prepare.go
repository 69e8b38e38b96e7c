package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// repository is where the program is, from the module that this is run in.
const repository = ".."

const script, replyFile = "logic.py", ".reply"

//go:embed logic/logic.py
var scriptText []byte

// prepare makes the folder, the program, the server and the cluster. What there is by then is ended by end.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.site.dir, err = os.MkdirTemp("", "custom-pod-autoscaler-bench-"); err != nil {
		return err
	}
	b.atEnd(func() error { return os.RemoveAll(b.site.dir) })
	if b.profile != "" {
		if err := os.MkdirAll(b.profile, 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(b.site.dir, script), scriptText, 0o600); err != nil {
		return err
	}
	if b.site.python, err = findPython(ctx); err != nil {
		return err
	}
	if b.program, err = build(ctx, b.site.dir, b.profile != ""); err != nil {
		return err
	}
	var stop func() error
	if b.site.server, stop, err = startServer(ctx); err != nil {
		return err
	}
	b.atEnd(stop)
	if b.cluster, err = cluster.New(ctx, cluster.Options{Progress: b.progress}); err != nil {
		return err
	}
	b.atEnd(func() error { return b.cluster.Stop(context.WithoutCancel(ctx)) })
	return nil
}

func (b *bench) atEnd(do func() error) { b.ends = append(b.ends, do) }

// end ends what there is, the last first.
func (b *bench) end() (err error) {
	for _, end := range slices.Backward(b.ends) {
		err = errors.Join(err, end())
	}
	return err
}

// findPython finds the interpreter itself: what is called python3 may be a script that looks for one.
func findPython(ctx context.Context) (string, error) {
	path, err := exec.CommandContext(ctx, "python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return "", fmt.Errorf("finding Python: %w", err)
	}
	return strings.TrimSpace(string(path)), nil
}

// startServer starts this program again, as the server.
func startServer(ctx context.Context) (url string, stop func() error, err error) {
	command := exec.CommandContext(ctx, os.Args[0], serving)
	command.SysProcAttr = endedWithParent()
	stdin, err := command.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		return "", nil, fmt.Errorf("starting the server: %w", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("starting the server: %w", err)
	}
	return strings.TrimSpace(line), func() error { return errors.Join(stdin.Close(), command.Wait()) }, nil
}

// build builds the program as users have it, or with a main that writes profiles.
func build(ctx context.Context, dir string, profiled bool) (string, error) {
	path := filepath.Join(dir, "custom-pod-autoscaler")
	arguments := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", path}
	if profiled {
		overlay, err := profilingMain(dir)
		if err != nil {
			return "", err
		}
		arguments = append(arguments, "-overlay", overlay)
	}
	command := exec.CommandContext(ctx, "go", append(arguments, "./cmd/custom-pod-autoscaler")...)
	command.Dir, command.Env = repository, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return path, nil
}

// profilingMain writes what has go build read another file in place of main.go.
func profilingMain(dir string) (overlay string, err error) {
	root, err := filepath.Abs(repository)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(root, "cmd", "custom-pod-autoscaler", "main.go"): filepath.Join(root, "test", "bench", "profiled", "main.go.txt"),
	}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}
