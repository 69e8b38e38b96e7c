// Package e2e runs the real program against a real control plane: its pods are simulated, everything else is not.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
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

// patience is how long a test waits for something that should happen: far longer than it takes on a busy machine.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	holdPodNetwork()
	_ = flag.Set("test.parallel", "8") // most of a test is waiting; -parallel still says otherwise
	code := cluster.Run(m)
	if dir := binaries.dir; dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// binaries are the programs under test, each built once for all tests.
var binaries struct {
	sync.Mutex
	dir   string
	built map[string]string
}

// build builds the program with go build's flags, and gives its path.
func build(t *testing.T, flags ...string) string {
	t.Helper()
	return buildOf(t, "custom-pod-autoscaler", flags...)
}

func buildOf(t testing.TB, program string, flags ...string) string {
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
	command.Dir = "../.."
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

// program is the program under test, and the folder that it runs in.
type program struct {
	*testing.T
	dir    string
	port   int // of its API, on loopback only, unless the test says otherwise
	cmd    *exec.Cmd
	log    *lockedBuffer
	exited chan struct{}
}

// options say how the program is started.
type options struct {
	config string            // config.yaml; without it there is no file
	files  map[string]string // further files, executable
	env    []string
	kube   string   // kubeconfig; the cluster's own if empty
	flags  []string // of go build; with the race detector if nil
	attr   *syscall.SysProcAttr
	around func(*exec.Cmd) // what it runs in, if anything
}

// plain are the flags of a build as users have it. The race detector takes memory, and a second to exit.
var plain = []string{"-ldflags=-s -w"}

// start starts the program, and ends it with the test. A test whose program had a data race or panicked fails.
func start(t *testing.T, o options) *program {
	t.Helper()
	if o.kube == "" {
		o.kube = cluster.Start(t).Kubeconfig()
	}
	if o.flags == nil {
		o.flags = []string{"-race"}
	}
	p := &program{T: t, dir: t.TempDir(), port: freePort(t), log: &lockedBuffer{}, exited: make(chan struct{})}
	p.write("record", record)
	arguments := []string{"--kubeconfig", o.kube}
	if o.config != "" {
		p.write("config.yaml", o.config)
		arguments = append(arguments, "--config", "config.yaml")
	}
	for name, text := range o.files {
		p.write(name, text)
	}
	p.cmd = exec.Command(build(t, o.flags...), arguments...)
	p.cmd.Dir = p.dir
	p.cmd.Env = append(os.Environ(), fmt.Sprintf(`apiConfig={"host": "127.0.0.1", "port": %d}`, p.port))
	p.cmd.Env = append(p.cmd.Env, o.env...)
	p.cmd.SysProcAttr = o.attr
	if o.around != nil {
		o.around(p.cmd)
	}
	p.run()
	return p
}

// freePort is a port that nobody listens on yet.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// run runs the program's command until the test ends.
func (p *program) run() {
	p.Helper()
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its exit code is read by stop
		close(p.exited)
	}()
	p.Cleanup(func() {
		if timedOut.has(p.T) {
			p.dump()
		}
		p.stop()
		for _, fault := range []string{"DATA RACE", "\npanic: "} {
			if strings.Contains(p.log.String(), fault) {
				p.Errorf("the program had a %s", strings.Trim(fault, "\n: "))
			}
		}
		if p.Failed() {
			p.Logf("the program's log:\n%s", p.log)
		}
	})
}

// stop asks the program to end, and gives its exit code once it has.
func (p *program) stop() int {
	p.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.dump()
		_ = p.cmd.Process.Kill()
		<-p.exited
		p.Error("the program did not end when it was asked to")
	}
	return p.cmd.ProcessState.ExitCode()
}

// dump ends a program that hangs, or does not do what a test waits for, with the stacks of its goroutines in its log.
func (p *program) dump() {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
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

// write puts a file into the program's folder, whole at once.
func (p *program) write(name, text string) {
	p.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		p.Fatal(err)
	}
}

// evaluates makes the evaluate method reply with so many replicas from now on.
func (p *program) evaluates(replicas int) {
	p.Helper()
	p.write("evaluate.reply", fmt.Sprintf(`{"targetReplicas": %d}`, replicas))
}

// read gives a file of the program's folder, or "" where there is none.
func (p *program) read(name string) string {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.Fatal(err)
	}
	return string(text)
}

// calls counts how often a method was run.
func (p *program) calls(method string) int {
	p.Helper()
	count := 0
	for line := range strings.Lines(p.read("calls")) {
		if strings.TrimSpace(line) == method {
			count++
		}
	}
	return count
}

// logs waits for a line that has all the words.
func (p *program) logs(words ...string) {
	p.Helper()
	p.logsAfter(0, words...)
}

// mark is where the log ends now.
func (p *program) mark() int { return len(p.log.String()) }

// logsAfter waits for a line behind the mark that has all the words.
func (p *program) logsAfter(mark int, words ...string) {
	p.Helper()
	p.eventually("a log line with "+strings.Join(words, ", "), func() (bool, error) {
		for line := range strings.Lines(p.log.String()[mark:]) {
			if containsAll(line, words) {
				return true, nil
			}
		}
		return false, nil
	})
}

// passes waits for so many more runs of a method.
func (p *program) passes(method string, more int) {
	p.Helper()
	before := p.calls(method)
	p.eventually(fmt.Sprintf("%d more runs of %s", more, method), func() (bool, error) {
		return p.calls(method) >= before+more, nil
	})
}

// eventually waits for a condition, and says what was last wrong if it never comes.
func (p *program) eventually(what string, condition func() (bool, error)) {
	p.Helper()
	eventually(p.T, what, condition)
}

func eventually(t *testing.T, what string, condition func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
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
			t.Fatalf("waited %s in vain for %s (%v)", patience, what, err)
		case <-tick.C:
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// lockedBuffer is written by the program's pipe and read by the test.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}
