package executable

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/regular"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// longestFirstLine is how much of a file is read for its first line. Linux reads as much.
const longestFirstLine = 256

func beginningOf(path string) ([]byte, error) {
	file, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, longestFirstLine))
}

// firstLine looks at the first line of a program that is a script: by it, it is started.
//
//	#!/usr/bin/env python3      its interpreter has to be there
//	#!/bin/sh\r                 is the interpreter "/bin/sh\r", which never is
//	text without #!             cannot be started
func firstLine(path string) (says, fix string) {
	beginning, err := beginningOf(path)
	if err != nil {
		return "", "" // a program need not be readable to be run
	}
	line, isScript := bytes.CutPrefix(beginning, []byte("#!"))
	if !isScript {
		if isText(beginning) {
			return "is a text without a first line that names its interpreter", "begin it with one, such as #!/usr/bin/env python3"
		}
		return "", ""
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	if bytes.HasSuffix(line, []byte("\r")) {
		return "has lines that end as on Windows (CRLF), so that its interpreter is not found", `write it with LF: sed -i 's/\r$//' ` + path
	}
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return "has a first line that names no interpreter", "name one, such as #!/usr/bin/env python3"
	}
	interpreter := words[0]
	if filepath.Base(interpreter) == "env" && len(words) > 1 {
		interpreter = words[slices.IndexFunc(words[1:], func(word string) bool { return !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") })+1]
	}
	if _, err := exec.LookPath(interpreter); err != nil {
		return fmt.Sprintf("is run by %s, by its first line: %v", secret.Program(interpreter), reason(err)), "install that, or correct the first line"
	}
	return "", ""
}

func isText(beginning []byte) bool {
	return len(beginning) > 0 && bytes.IndexByte(beginning, 0) < 0 && utf8.Valid(beginning[:len(beginning)-min(len(beginning), utf8.UTFMax)])
}

// carriage tells a script for a shell that was written on Windows: each of its commands ends in a carriage return.
func carriage(entrypoint, path string) bool {
	beginning, err := beginningOf(path)
	line, _, _ := bytes.Cut(beginning, []byte("\n"))
	return err == nil && strings.HasSuffix(filepath.Base(entrypoint), "sh") && bytes.HasSuffix(line, []byte("\r"))
}

const (
	// slow is how many times as long as the interpreter behind it a version manager's script may take to start.
	slow = 3

	// probing is how long all tries of an interpreter may take.
	probing = 5 * time.Second
)

// shim tells a version manager's script in place of an interpreter: it is started for each document, and takes many times as long.
func shim(ctx context.Context, path string) (says, fix string) {
	of, known := InterpreterOf(path)
	beginning, err := beginningOf(path)
	if !known || of.Self == nil || err != nil || !bytes.HasPrefix(beginning, []byte("#!")) {
		return "", ""
	}
	ctx, cancel := context.WithTimeout(ctx, probing)
	defer cancel()
	text, err := exec.CommandContext(ctx, path, of.Self...).Output()
	behind := strings.TrimSpace(string(text))
	if err != nil || !filepath.IsAbs(behind) || behind == path {
		return "", ""
	}
	its, own := StartTime(ctx, path, of.Idle), StartTime(ctx, behind, of.Idle)
	if own <= 0 || its < slow*own {
		return "", ""
	}
	return fmt.Sprintf("is a script of a version manager that takes %s to start; the interpreter behind it, %s, takes %s", its.Round(time.Millisecond), behind, own.Round(time.Millisecond)),
		"make that the entrypoint, or put its folder first in PATH"
}

// StartTime is how long a program takes to start and do nothing: the median of three times, or 0 where it fails.
func StartTime(ctx context.Context, program string, arguments []string) time.Duration {
	const tries = 3
	ctx, cancel := context.WithTimeout(ctx, probing)
	defer cancel()
	var took []time.Duration
	for range tries {
		began := time.Now()
		if exec.CommandContext(ctx, program, arguments...).Run() != nil {
			return 0
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[tries/2]
}
