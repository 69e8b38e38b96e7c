package main

import (
	"fmt"
	"io"
	"sync"
)

// progress is written on, except while it is held: what comes then is kept, so that it does not get into a drawing.
type progress struct {
	mutex sync.Mutex
	out   io.Writer
	held  bool
	kept  []byte
}

func (p *progress) say(format string, values ...any) {
	fmt.Fprintf(p, "demo: "+format+"\n", values...)
}

func (p *progress) Write(text []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.held {
		p.kept = append(p.kept, text...)
		return len(text), nil
	}
	return p.out.Write(text)
}

func (p *progress) hold() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.held = true
}

func (p *progress) release() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	_, _ = p.out.Write(p.kept)
	p.held, p.kept = false, nil
}
