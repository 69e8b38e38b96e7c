package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"time"
)

func workerSettings(s site) func(method, reply string) map[string]any {
	return func(_, reply string) map[string]any {
		return map[string]any{"type": "worker", "timeout": patience, "worker": map[string]any{
			"entrypoint": s.python, "command": []string{script, reply, "worker"}, "concurrency": 8,
		}}
	}
}

// workerFloor writes a line to a worker and reads the reply, again and again. The evaluate method is a worker of its own.
func workerFloor(ctx context.Context, s site, c benchCase, documents []document) (f floor, err error) {
	workers := map[string]*worker{}
	f.close = func() {
		for _, w := range workers {
			w.end()
		}
	}
	for method, reply := range c.replies() {
		w, err := startWorker(ctx, s, method, reply)
		if err != nil {
			f.close()
			return floor{}, err
		}
		workers[method] = w
	}
	lines := make([][]byte, len(documents))
	for i, d := range documents {
		lines[i] = fmt.Appendf(nil, `{"id":%d,"time":%q,"document":%s}`+"\n", i+1, time.Now().UTC().Format(time.RFC3339Nano), d.text)
	}
	f.run = func(context.Context) error {
		for i, line := range lines {
			if err := workers[documents[i].method].ask(line); err != nil {
				return fmt.Errorf("asking a worker: %w", err)
			}
		}
		return nil
	}
	return f, nil
}

// worker is a process that answers a line with a line.
type worker struct {
	command *exec.Cmd
	to      io.WriteCloser
	from    *bufio.Reader
}

func startWorker(ctx context.Context, s site, method, reply string) (*worker, error) {
	w := &worker{command: exec.CommandContext(ctx, s.python, script, reply, "worker")}
	w.command.Dir, w.command.SysProcAttr = s.dir, endedWithParent()
	from, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.from = bufio.NewReader(from)
	if w.to, err = w.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := w.command.Start(); err != nil {
		return nil, fmt.Errorf("starting a worker: %w", err)
	}
	if err := w.ask(fmt.Appendf(nil, `{"cpaWorker":{"versions":[1],"method":%q}}`+"\n", method)); err != nil {
		return nil, fmt.Errorf("greeting a worker: %w", err)
	}
	return w, nil
}

// ask writes a line, and reads the one that is the answer.
func (w *worker) ask(line []byte) error {
	if _, err := w.to.Write(line); err != nil {
		return err
	}
	_, err := w.from.ReadSlice('\n')
	return err
}

// end closes its standard input, which tells it to end.
func (w *worker) end() {
	_ = w.to.Close()
	_ = w.command.Wait()
}
