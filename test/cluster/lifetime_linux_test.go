package cluster

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNothingOutlivesItsOwner runs the command as the owner of a cluster and ends it.
func TestNothingOutlivesItsOwner(t *testing.T) {
	command := filepath.Join(t.TempDir(), "cluster")
	if output, err := exec.Command("go", "build", "-o", command, "./cmd/cluster").CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, output)
	}
	goRun := []string{"go", "run", "./cmd/cluster"}
	tests := []struct {
		name       string
		owner      []string
		signal     syscall.Signal
		dirRemains bool // until the next start
	}{
		{"Ctrl-C", []string{command}, syscall.SIGINT, false},
		{"crash", []string{command}, syscall.SIGKILL, true},
		{"SIGTERM of go run, which does not pass it on", goRun, syscall.SIGTERM, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx := deadline(t)
			owner, dir := startOwner(ctx, t, test.owner)
			components := descendants(t, owner.Process.Pid)
			if len(components) < 7 {
				t.Fatalf("the owner has %d processes under it, want the seven components", len(components))
			}
			if err := owner.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			_ = owner.Wait()
			waitGone(ctx, t, components)
			if test.dirRemains {
				removeStaleDirs()
			}
			err := poll(ctx, pollInterval, func(context.Context) error {
				if exists(dir) {
					return fmt.Errorf("%s is still there", dir)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDirectoriesOfOwnersThatLiveStay(t *testing.T) {
	c := Start(t)
	removeStaleDirs()
	if !exists(c.Kubeconfig()) {
		t.Errorf("%s was removed though its owner lives", c.dir)
	}
}

func TestComponentsListenOnLoopbackOnly(t *testing.T) {
	c := Start(t)
	for name, p := range c.processes {
		addresses := listening(t, p.cmd.Process.Pid)
		if len(addresses) == 0 {
			t.Errorf("%s listens nowhere", name)
		}
		for _, address := range addresses {
			// 127.0.0.1 as the kernel writes it
			if !strings.HasPrefix(address, "0100007F:") {
				t.Errorf("%s listens on %s", name, address)
			}
		}
	}
}

// startOwner runs a command line that keeps a cluster, until the cluster is ready.
func startOwner(ctx context.Context, t *testing.T, line []string) (owner *exec.Cmd, dir string) {
	t.Helper()
	owner = exec.CommandContext(ctx, line[0], line[1:]...)
	owner.WaitDelay = time.Second // what it leaves behind holds its output open
	var messages bytes.Buffer
	owner.Stderr = &messages
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if kubeconfig, ok := strings.CutPrefix(lines.Text(), "export KUBECONFIG="); ok {
			return owner, filepath.Dir(kubeconfig)
		}
	}
	_ = owner.Wait()
	t.Fatalf("the owner ended before its cluster was ready:\n%s", messages.Bytes())
	return nil, ""
}

// descendants are the processes under one, at any depth.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for _, field := range strings.Fields(string(children)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(append(pids, child), descendants(t, child)...)
		}
	}
	return pids
}

func waitGone(ctx context.Context, t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		err := poll(ctx, pollInterval, func(context.Context) error {
			if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !zombie(stat) {
				return fmt.Errorf("process %d is left behind: %s", pid, stat)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// zombie says whether a process has ended and only waits to be reaped, by whom it now belongs to.
func zombie(stat []byte) bool {
	afterName := bytes.LastIndexByte(stat, ')')
	return bytes.HasPrefix(stat[afterName+1:], []byte(" Z"))
}

// listening are the local addresses, in the kernel's hexadecimal, on which a process listens.
func listening(t *testing.T, pid int) []string {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]bool{}
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && strings.HasPrefix(target, "socket:[") {
			sockets[strings.Trim(target, "socket:[]")] = true
		}
	}
	var addresses []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		content, err := os.ReadFile(table)
		if err != nil {
			continue // a machine without IPv6 has no second table
		}
		for line := range strings.Lines(string(content)) {
			const address, state, inode, listen = 1, 3, 9, "0A"
			fields := strings.Fields(line)
			if len(fields) > inode && fields[state] == listen && sockets[fields[inode]] {
				addresses = append(addresses, fields[address])
			}
		}
	}
	return addresses
}
