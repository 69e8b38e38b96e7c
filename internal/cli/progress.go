package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// progress says how far it is, to who watches.
type progress struct {
	to   io.Writer
	done int
	said time.Time
}

// newProgress gives nil where nobody watches.
func newProgress(to io.Writer) *progress {
	if !isTerminal(to) {
		return nil
	}
	return &progress{to: to}
}

func (p *progress) step() {
	if p == nil {
		return
	}
	p.done++
	if now := time.Now(); now.Sub(p.said) >= redrawn {
		p.said = now
		fmt.Fprintf(p.to, "\r%s", text.Count(p.done, "pass", "passes"))
	}
}

func (p *progress) end() {
	if p != nil {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

func isTerminal(to io.Writer) bool {
	file, ok := to.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
