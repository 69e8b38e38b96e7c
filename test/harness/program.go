package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// Patience is how long a test waits for something that should happen: far longer than it takes on a busy machine.
const Patience = 2 * time.Minute

// binaries are the programs under test, each built once for all tests.
var binaries struct {
	sync.Mutex
	dir   string
	built map[string]string
}

// Build builds the program with go build's flags, and gives its path.
func Build(t *testing.T, flags ...string) string {
	t.Helper()
	return BuildOf(t, "custom-pod-autoscaler", flags...)
}

// BuildOf builds one of the programs in cmd with go build's flags, and gives its path.
func BuildOf(t testing.TB, program string, flags ...string) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	key := program + strings.Join(flags, " ")
	if path, ok := binaries.built[key]; ok {
		return path
	}
	if binaries.dir == "" {
		dir, err := os.MkdirTemp("", "custom-pod-autoscaler-e2e-")
		if err != nil {
			t.Fatal(err)
		}
		binaries.dir, binaries.built = dir, map[string]string{}
	}
	path := filepath.Join(binaries.dir, fmt.Sprintf("custom-pod-autoscaler-%d", len(binaries.built)))
	command := exec.CommandContext(t.Context(), "go", append(append([]string{"build"}, flags...), "-o", path, "./cmd/"+program)...)
	command.Dir = Root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	binaries.built[key] = path
	return path
}

// record is the user logic of these tests, for every method and hook: it keeps the document that it is given as
// NAME.json, notes the call, and replies with what NAME.reply holds.
const record = `#!/bin/sh
set -e
cat > "$1.json.$$"
mv "$1.json.$$" "$1.json"
echo "$1" >> calls
test ! -f "$1.reply" || cat "$1.reply"
`

// Program is the program under test, and the folder that it runs in.
type Program struct {
	*testing.T
	Dir     string
	Port    int // of its API, on loopback only, unless the test says otherwise
	Cmd     *exec.Cmd
	Printed *LockedBuffer
	Exited  chan struct{}
}

// Options say how the program is started.
type Options struct {
	Config string            // config.yaml; without it there is no file
	Files  map[string]string // further files, executable
	Env    []string
	Kube   string   // kubeconfig; the cluster's own if empty
	Flags  []string // of go build; with the race detector if nil
	Attr   *syscall.SysProcAttr
	Around func(*exec.Cmd) // what it runs in, if anything
}

// PlainFlags are the flags of a build as users have it. The race detector takes memory, and a second to exit.
var PlainFlags = []string{"-ldflags=-s -w"}

// Start starts the program, and ends it with the test. A test whose program had a data race or panicked fails.
func Start(t *testing.T, o Options) *Program {
	t.Helper()
	if o.Kube == "" {
		o.Kube = cluster.Start(t).Kubeconfig()
	}
	if o.Flags == nil {
		o.Flags = []string{"-race"}
	}
	p := &Program{T: t, Dir: t.TempDir(), Port: FreePort(t), Printed: &LockedBuffer{}, Exited: make(chan struct{})}
	p.Write("record", record)
	arguments := []string{"--kubeconfig", o.Kube}
	if o.Config != "" {
		p.Write("config.yaml", o.Config)
		arguments = append(arguments, "--config", "config.yaml")
	}
	for name, text := range o.Files {
		p.Write(name, text)
	}
	p.Cmd = exec.Command(Build(t, o.Flags...), arguments...)
	p.Cmd.Dir = p.Dir
	p.Cmd.Env = append(os.Environ(), fmt.Sprintf(`apiConfig={"host": "127.0.0.1", "port": %d}`, p.Port))
	p.Cmd.Env = append(p.Cmd.Env, o.Env...)
	p.Cmd.SysProcAttr = o.Attr
	if o.Around != nil {
		o.Around(p.Cmd)
	}
	p.RunCommand()
	return p
}

// FreePort is a port that nobody listens on yet.
func FreePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// RunCommand runs the program's command until the test ends.
func (p *Program) RunCommand() {
	p.Helper()
	p.Cmd.Stdout, p.Cmd.Stderr = p.Printed, p.Printed
	if err := p.Cmd.Start(); err != nil {
		p.Fatal(err)
	}
	go func() {
		_ = p.Cmd.Wait() // its exit code is read by Stop
		close(p.Exited)
	}()
	p.Cleanup(func() {
		if timedOut.has(p.T) {
			p.Dump()
		}
		p.Stop()
		for _, fault := range []string{"DATA RACE", "\npanic: "} {
			if strings.Contains(p.Printed.String(), fault) {
				p.Errorf("the program had a %s", strings.Trim(fault, "\n: "))
			}
		}
		if p.Failed() {
			p.Logf("the program's log:\n%s", p.Printed)
		}
	})
}

// Stop asks the program to end, and gives its exit code once it has.
func (p *Program) Stop() int {
	p.Helper()
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.Exited:
	case <-time.After(Patience):
		p.Dump()
		_ = p.Cmd.Process.Kill()
		<-p.Exited
		p.Error("the program did not end when it was asked to")
	}
	return p.Cmd.ProcessState.ExitCode()
}

// Dump ends a program that hangs, or does not do what a test waits for, with the stacks of its goroutines in its log.
func (p *Program) Dump() {
	_ = p.Cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.Exited:
	case <-time.After(10 * time.Second):
	}
}

// timedOut are the tests that waited for something in vain.
var timedOut tests

type tests struct {
	mutex sync.Mutex
	names []string
}

func (s *tests) add(t *testing.T) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.names = append(s.names, t.Name())
}

// has tells whether a test or one of its subtests is among them.
func (s *tests) has(t *testing.T) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.ContainsFunc(s.names, func(name string) bool { return strings.HasPrefix(name+"/", t.Name()+"/") })
}

// Write puts a file into the program's folder, whole at once.
func (p *Program) Write(name, text string) {
	p.Helper()
	path := filepath.Join(p.Dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		p.Fatal(err)
	}
}

// Evaluates makes the evaluate method reply with so many replicas from now on.
func (p *Program) Evaluates(replicas int) {
	p.Helper()
	p.Write("evaluate.reply", fmt.Sprintf(`{"targetReplicas": %d}`, replicas))
}

// Read gives a file of the program's folder, or "" where there is none.
func (p *Program) Read(name string) string {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.Dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.Fatal(err)
	}
	return string(text)
}

// Calls counts how often a method was run.
func (p *Program) Calls(method string) int {
	p.Helper()
	count := 0
	for line := range strings.Lines(p.Read("calls")) {
		if strings.TrimSpace(line) == method {
			count++
		}
	}
	return count
}

// Logs waits for a line that has all the words.
func (p *Program) Logs(words ...string) {
	p.Helper()
	p.LogsAfter(0, words...)
}

// Mark is where the log ends now.
func (p *Program) Mark() int { return len(p.Printed.String()) }

// LogsAfter waits for a line behind the mark that has all the words.
func (p *Program) LogsAfter(mark int, words ...string) {
	p.Helper()
	p.Eventually("a log line with "+strings.Join(words, ", "), func() (bool, error) {
		for line := range strings.Lines(p.Printed.String()[mark:]) {
			if ContainsAll(line, words) {
				return true, nil
			}
		}
		return false, nil
	})
}

// Passes waits for so many more runs of a method.
func (p *Program) Passes(method string, more int) {
	p.Helper()
	before := p.Calls(method)
	p.Eventually(fmt.Sprintf("%d more runs of %s", more, method), func() (bool, error) {
		return p.Calls(method) >= before+more, nil
	})
}

// Eventually waits for a condition, and says what was last wrong if it never comes.
func (p *Program) Eventually(what string, condition func() (bool, error)) {
	p.Helper()
	Eventually(p.T, what, condition)
}

// Eventually waits for a condition, and says what was last wrong if it never comes.
func Eventually(t *testing.T, what string, condition func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := condition()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			timedOut.add(t)
			t.Fatalf("waited %s in vain for %s (%v)", Patience, what, err)
		case <-tick.C:
		}
	}
}

// ReadFile gives a file's text.
func ReadFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// WriteFile writes a file that nobody else may read.
func WriteFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ContainsAll tells whether a text has all the words.
func ContainsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// LockedBuffer is written by the program's pipe and read by the test.
type LockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

// Write adds to the buffer.
func (b *LockedBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(text)
}

// String is all that was written so far.
func (b *LockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// Document is what a method was last given.
func (p *Program) Document(stage string) map[string]any {
	p.Helper()
	return DecodeJSON(p.T, p.Read(stage+".json"))
}

// Lines are the lines of the log that have all the words.
func (p *Program) Lines(words ...string) []string {
	var found []string
	for line := range strings.Lines(p.Printed.String()) {
		if strings.HasSuffix(line, "\n") && ContainsAll(line, words) {
			found = append(found, line)
		}
	}
	return found
}

// LogsMore waits for so many further lines that have all the words.
func (p *Program) LogsMore(more int, words ...string) {
	p.Helper()
	before := len(p.Lines(words...))
	p.Eventually("more log lines with "+strings.Join(words, ", "), func() (bool, error) {
		return len(p.Lines(words...)) >= before+more, nil
	})
}

// Replies is an evaluate method that asks for so many replicas until the test says otherwise.
func Replies(replicas int) map[string]string {
	return map[string]string{"evaluate.reply": fmt.Sprintf(`{"targetReplicas": %d}`, replicas)}
}
