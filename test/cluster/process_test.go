package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFailedStartShowsTheLogAndItsPath(t *testing.T) {
	log := filepath.Join(t.TempDir(), "etcd.log")
	p, err := startProcess("etcd", exec.Command("/bin/sh", "-c", "echo no room for data; exit 3"), t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	err = p.waitReady(deadline(t), func(context.Context) error { return errors.New("not ready") })
	if err == nil {
		t.Fatal("a program that ended is ready")
	}
	for _, want := range []string{"starting etcd", "exit status 3", log, "no room for data"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestAComponentSeesNothingOfTheUsersEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example")
	home := t.TempDir()
	log := filepath.Join(home, "log")
	p, err := startProcess("etcd", exec.Command("/usr/bin/env"), home, log)
	if err != nil {
		t.Fatal(err)
	}
	<-p.exited
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(content), "HOME="+home+"\nTMPDIR="+home+"\n"; got != want {
		t.Errorf("environment is %q, want %q", got, want)
	}
}

func TestTailIsTheEndOfALongLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	text := strings.Repeat("an early line\n", 10_000) + "the last line\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := tail(path)
	if lines := strings.Count(got, "\n") + 1; lines != 15 || !strings.HasSuffix(got, "the last line") {
		t.Errorf("the tail has %d lines and ends in %q", lines, got[max(0, len(got)-20):])
	}
}
