// Package executable says what a file is that is to be started: its interpreter and its first line, how long it takes to start, why it does
// not, and what check looks at. It starts a program only to see how long that takes.
package executable

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// CommandOf is a command without its arguments, any of which may be a credential.
func CommandOf(entrypoint string, arguments []string) string {
	program := secret.Program(entrypoint)
	if len(arguments) == 0 {
		return program
	}
	return program + ", " + text.Count(len(arguments), "argument", "arguments")
}

// ExitError is how a program exited. It guesses at KILL, since whoever sends it leaves no word: in a container it is nearly always the kernel.
func ExitError(state *os.ProcessState) error {
	err := &exec.ExitError{ProcessState: state}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return killedError{err}
	}
	return err
}

// killedError is a program that was ended by KILL.
type killedError struct{ error }

const moreMemory = "raise the container's memory limit"

func (e killedError) Error() string {
	return e.error.Error() + " (out of memory? then " + moreMemory + ")"
}

func (e killedError) Unwrap() error { return e.error }

// Explain is that of a fault.Explainer.
func (e killedError) Explain() fault.Fault {
	return fault.Fault{Err: e.error, Hint: "if it ran out of memory, " + moreMemory}
}

// NotStarted names the file and the way out: what the system says of a program that cannot be started is short.
func NotStarted(path string, err error) error {
	hint := ""
	info, statErr := os.Stat(path)
	switch {
	case statErr == nil && info.IsDir():
		hint = "it is a directory: entrypoint has to be a program"
	case statErr == nil && errors.Is(err, fs.ErrNotExist):
		hint = "it is there, but the interpreter in its first line, or its loader, is not: is that in the image?"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		hint = "there is no such program: is it in the image, and is entrypoint right?"
	case errors.Is(err, fs.ErrPermission):
		hint = "it may not be executed: chmod +x it, or make its interpreter the entrypoint"
	case errors.Is(err, syscall.ENOEXEC):
		hint = "it is no program of this machine: does it lack a first line like #!/bin/sh, or is it of another architecture?"
	}
	if named, is := errors.AsType[*fs.PathError](err); is {
		err = named.Err // the path is said once already
	}
	program := secret.Program(path)
	if named, is := errors.AsType[*exec.Error](err); is && program != path {
		err = named.Err // it quotes the arguments that were written behind the path
	}
	if program != path {
		hint = "entrypoint is the path of a program alone: its arguments belong into command"
	}
	// Without a hint, the machine may be short of processes or files.
	return &fault.Fault{Doing: "starting " + program, Err: err, Setting: ".entrypoint", Hint: hint, Lasts: hint != ""}
}
