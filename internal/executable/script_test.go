package executable

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
)

// program writes an executable file, and gives its path.
func program(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheFirstLineOfAProgram(t *testing.T) {
	for _, row := range []struct{ name, text, want, fix string }{
		{"an interpreter that is there", "#!/bin/sh\ntrue", "", ""},
		{"one by its name", "#!/usr/bin/env sh\ntrue", "", ""},
		{"one by its name, with flags", "#!/usr/bin/env -S A=b sh -e\ntrue", "", ""},
		{"blanks", "#! /bin/sh -e\ntrue", "", ""},
		{"written on Windows", "#!/usr/bin/env python3\r\nprint(1)\r\n", "has lines that end as on Windows (CRLF)", "sed -i 's/\\r$//' "},
		{"an interpreter that is not there", "#!/nowhere/python3\n", "is run by /nowhere/python3, by its first line: stat /nowhere/python3: no such file", "install that, or correct the first line"},
		{"one by its name that is not there", "#!/usr/bin/env pyhton3\n", "is run by pyhton3, by its first line: executable file not found in $PATH", "install that"},
		{"no interpreter", "#!\n", "has a first line that names no interpreter", "#!/usr/bin/env python3"},
		{"no first line", "import json\nimport sys\n", "is a text without a first line that names its interpreter", "#!/usr/bin/env python3"},
		{"a binary", "\x7fELF\x02\x01\x01\x00", "", ""},
		{"nothing", "", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			says, fix := firstLine(program(t, "metric", row.text))
			if !strings.Contains(says, row.want) || (says == "") != (row.want == "") || !strings.Contains(fix, row.fix) {
				t.Errorf("got %q -> %q, want %q -> %q", says, fix, row.want, row.fix)
			}
		})
	}
	if says, _ := firstLine("/nowhere"); says != "" {
		t.Errorf("got %q", says)
	}
}

func TestAScriptForAShellThatWasWrittenOnWindows(t *testing.T) {
	path := program(t, "metric.sh", "set -e\r\necho 1\r\n")
	for entrypoint, want := range map[string]finding.Result{"/bin/sh": finding.Error, "/bin/cat": finding.OK} {
		items := Look(t.Context(), "metric", "shell", entrypoint, []string{path}, true)
		if len(items) != 2 || items[1].Result != want {
			t.Errorf("%s: got %+v", entrypoint, items)
		}
	}
}

// TestAShim has an interpreter behind a script that takes long to find it.
func TestAShim(t *testing.T) {
	real := program(t, "python3", "#!/bin/sh\n")
	quick := "#!/bin/sh\n" + `if [ "$1 $2" = '-c import sys; print(sys.executable)' ]; then echo ` + real + "; fi\n"
	for _, row := range []struct {
		name, file, text string
		under            string
		want             finding.Result
	}{
		{"a slow one", "python3", strings.Replace(quick, "\n", "\nsleep 0.2\n", 1), "shell", finding.Warning},
		{"a slow one, once", "python3", strings.Replace(quick, "\n", "\nsleep 0.2\n", 1), "worker", finding.OK},
		{"another program", "metric", strings.Replace(quick, "\n", "\nsleep 0.2\n", 1), "shell", finding.OK},
		{"one that fails", "python3", "#!/bin/sh\nexit 3\n", "shell", finding.OK},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := program(t, row.file, row.text)
			items := Look(t.Context(), "metric", row.under, path, nil, row.under == "shell")
			if len(items) != 1 || items[0].Result != row.want {
				t.Fatalf("got %+v", items)
			}
			if row.want == finding.Warning && (!strings.Contains(items[0].Says, "the interpreter behind it, "+real+", takes") || !strings.Contains(items[0].Fix, "(metric.shell.entrypoint)")) {
				t.Errorf("got %+v", items[0])
			}
		})
	}
}

func TestAProgramThatIsANamedPipeIsNotOpened(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o755); err != nil {
		t.Fatal(err)
	}
	if says, fix := firstLine(pipe); says != "" || fix != "" {
		t.Errorf("got %q, %q", says, fix)
	}
}
