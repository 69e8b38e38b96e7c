package recording

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
)

// Recorder writes passes to a file in the background: a disk that hangs costs entries, and keeps no pass waiting.
type Recorder struct {
	file   file
	perPod bool
	wrote  func(error) // is told of each try; nil where it succeeded
	lines  chan []byte
}

// NewRecorder gives one that writes to the file at path, and to the one before it, so many bytes at most. Pods are recorded
// where perPod says that metric is run for each of them.
func NewRecorder(path string, maxSize int64, perPod bool, wrote func(error)) *Recorder {
	return &Recorder{file: file{path, maxSize / 2}, perPod: perPod, wrote: wrote, lines: make(chan []byte, 1)}
}

// Pass is a Watcher.
func (r *Recorder) Pass(_ context.Context, p pass.Pass) {
	entry, err := entryOf(p, r.perPod)
	if err != nil {
		r.wrote(err)
		return
	}
	line, err := json.Marshal(entry)
	if err != nil {
		r.wrote(fmt.Errorf("writing a pass as JSON: %w", err))
		return
	}
	select {
	case r.lines <- append(line, '\n'):
	default:
		r.wrote(errors.New("the one before it is still being written: is the disk slow?"))
	}
}

// Run writes until ctx is done, and then what it has not come to.
func (r *Recorder) Run(ctx context.Context) {
	for {
		select {
		case line := <-r.lines:
			r.wrote(r.file.append(line))
		case <-ctx.Done():
			select {
			case line := <-r.lines:
				r.wrote(r.file.append(line))
			default:
			}
			return
		}
	}
}
