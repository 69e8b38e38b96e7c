package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
)

// catSettings are those of the least that a shell method can be: cat of a file with one line.
func catSettings(site) func(method, reply string) map[string]any {
	return func(method, _ string) map[string]any {
		return shellSettings("cat", method+replyFile)
	}
}

func pythonSettings(s site) func(method, reply string) map[string]any {
	return func(_, reply string) map[string]any {
		return shellSettings(s.python, script, reply)
	}
}

func shellSettings(entrypoint string, command ...string) map[string]any {
	return map[string]any{"type": "shell", "timeout": patience, "shell": map[string]any{"entrypoint": entrypoint, "command": command}}
}

// catFloor starts as many cats. None of them looks at its document, so they are given none.
func catFloor(_ context.Context, s site, _ benchCase, documents []document) (floor, error) {
	return started(documents, func(ctx context.Context, d document) *exec.Cmd {
		command := exec.CommandContext(ctx, "cat", d.method+replyFile)
		command.Dir = s.dir
		return command
	}), nil
}

// pythonFloor starts as many interpreters, and hands each its document.
func pythonFloor(_ context.Context, s site, c benchCase, documents []document) (floor, error) {
	return started(documents, func(ctx context.Context, d document) *exec.Cmd {
		command := exec.CommandContext(ctx, s.python, script, c.replies()[d.method])
		command.Dir, command.Stdin = s.dir, bytes.NewReader(d.text)
		return command
	}), nil
}

// started starts a process for each document, on all cores, and reads what it prints.
func started(documents []document, command func(context.Context, document) *exec.Cmd) floor {
	run := func(ctx context.Context) error {
		return sideBySide(runtime.NumCPU(), documents, func(d document) error {
			if out, err := command(ctx, d).Output(); err != nil || len(out) == 0 {
				return fmt.Errorf("starting a process with nothing around it: %q, %w", out, err)
			}
			return nil
		})
	}
	return floor{run: run, close: func() {}}
}
