package worker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
)

// protocolVersion is the one that is spoken with workers: docs/workers.md is about it.
const protocolVersion = 1

const (
	// longestEscape is how many bytes JSON may take for one of a reply, \u0000 being the longest.
	longestEscape = 6
	// envelope is what there is around a reply.
	envelope = 4 << 10
	// longestShown is how much of a line an error shows.
	longestShown = 200
)

// answer is what came of a document.
type answer struct {
	reply string
	err   error
}

// newLines reads whole lines: one that the end cuts off is none. They may have a reply of the limit, however it is written.
func newLines(from io.Reader, limit int64) *bufio.Scanner {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, int(min(limit, math.MaxInt32/longestEscape)*longestEscape+envelope))
	lines.Split(func(text []byte, _ bool) (int, []byte, error) {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return 0, nil, nil
		}
		return end + 1, text[:end], nil
	})
	return lines
}

// readHello reads the first line.
func readHello(line []byte) error {
	var hello struct {
		Worker struct {
			Version json.Number `json:"version"`
		} `json:"cpaWorker"`
	}
	err := json.Unmarshal(line, &hello)
	switch version := hello.Worker.Version; {
	case err != nil || version == "":
		return fmt.Errorf(`its first line is %s, and not {"cpaWorker":{"version":%d}}: print that to standard output, and then nothing but answers`,
			shown(line), protocolVersion)
	case version != json.Number(strconv.Itoa(protocolVersion)):
		return fmt.Errorf("it speaks version %s of the protocol, and was offered %d only", version, protocolVersion)
	}
	return nil
}

func noHello(within time.Duration) error {
	return &fault.Fault{
		Err:     fmt.Errorf("no first line within %s (worker.startTimeout: %d ms)", within, within.Milliseconds()),
		Setting: ".worker.startTimeout", Hint: "does it flush that, or need longer to start?",
	}
}

// readAnswer reads one of the other lines. A reply that is text is taken verbatim, and anything else as it is written.
func readAnswer(line []byte, limit int64) (id uint64, a answer, err error) {
	var read struct {
		ID    uint64          `json:"id"`
		Reply json.RawMessage `json:"reply"`
		Error *string         `json:"error"`
	}
	if err := json.Unmarshal(line, &read); err != nil || read.ID == 0 || read.Error == nil && read.Reply == nil {
		return 0, answer{}, fmt.Errorf(`it wrote %s, and not {"id":...,"reply":...} or {"id":...,"error":"..."}: print nothing else to standard output`, shown(line))
	}
	if read.Error != nil {
		return read.ID, answer{err: fmt.Errorf("it answered with an error: %s", method.Shorten(*read.Error, process.LongestTail))}, nil
	}
	a.reply = string(read.Reply)
	if a.reply[0] == '"' {
		_ = json.Unmarshal(read.Reply, &a.reply) // it was read once already
	}
	if int64(len(a.reply)) > limit {
		a = answer{err: &method.TooLongError{Limit: limit}}
	}
	return read.ID, a, nil
}

// shown is a line as an error shows it.
func shown(line []byte) string { return strconv.Quote(method.Shorten(string(line), longestShown)) }
