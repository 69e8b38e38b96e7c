package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
)

// script is a method that runs a shell script.
func script(text string) logic {
	return written("/bin/sh", "-c", text)
}

func written(entrypoint string, command ...string) logic {
	return logic{Timeout: 5_000, MaxReplyBytes: 1 << 20,
		Shell: &Settings{Entrypoint: entrypoint, Command: command}}
}

// large is more than fits into a pipe.
var large = strings.Repeat("0123456789abcdef", 10<<20/16)

func TestShell(t *testing.T) {
	for _, row := range []struct {
		name     string
		script   string
		document string
		timeout  span.Milliseconds
		reply    string
		says     []string
	}{
		// What well-behaved programs may do.
		{name: "the document is standard input, the reply is standard output, verbatim",
			script: `cat`, document: "{\"a\": 1}\n\n", reply: "{\"a\": 1}\n\n"},
		{name: "no output is an empty reply",
			script: `:`},
		{name: "a large document arrives whole",
			script: `wc -c`, document: large, reply: "10485760\n"},
		{name: "a large document need not be read",
			script: `echo ok`, document: large, reply: "ok\n"},
		{name: "a large document may be refused at once",
			script: `exec <&-; echo ok`, document: large, reply: "ok\n"},
		{name: "standard error is no part of the reply",
			script: `echo noise >&2; echo ok`, reply: "ok\n"},
		{name: "the environment is inherited",
			script: `echo $GREETING`, reply: "hello\n"},

		// Failures.
		{name: "a non-zero exit fails with the end of standard error",
			script: `echo "KeyError: 'cpu'" >&2; exit 3`,
			says:   []string{`running metric (/bin/sh, 2 arguments): exit status 3, standard error ends: "KeyError: 'cpu'"`}},
		{name: "a non-zero exit fails though there is a reply",
			script: `echo ok; exit 1`,
			says:   []string{`: exit status 1, standard error is empty`}},
		{name: "death by a signal fails with its name",
			script: `kill -TERM $$`,
			says:   []string{`: signal: terminated, standard error is empty`}},
		{name: "death by KILL is most likely one of the container's memory",
			script: `echo loading >&2; kill -KILL $$`,
			says:   []string{`: signal: killed (out of memory?`, `standard error ends: "loading"`}},
		{name: "of a gigabyte of standard error the end is kept",
			script: `yes 'a line.' | head -c 1073741824 >&2; echo the last word >&2; exit 1`, timeout: 60_000,
			says: []string{`: exit status 1, standard error ends: "a line.\na line.\n`, `a line.\nthe last word"`}},
		{name: "a gigabyte of reply fails at its limit",
			script: `head -c 1073741824 /dev/zero`, timeout: 60_000,
			says: []string{`a reply of more than 1048576 bytes (maxReplyBytes: 1048576): `}},

		// Overtime.
		{name: "a program that hangs is ended",
			script: `echo waiting for the database >&2; sleep 600`, timeout: 1000,
			says: []string{`): no reply within its timeout of 1s (timeout: 1000 ms); its processes were ended, ` +
				`standard error ends: "waiting for the database"`}},
		{name: "a program that ignores TERM is ended",
			script: `trap '' TERM; sleep 600`, timeout: 500,
			says: []string{`(timeout: 500 ms)`}},
		{name: "a program that is stopped is ended",
			script: `kill -STOP $$`, timeout: 500,
			says: []string{`(timeout: 500 ms)`}},
		{name: "a program that answers TERM may tidy up, but its reply is too late",
			script: `trap 'echo ok; echo tidied up >&2; exit 0' TERM; while :; do sleep 0.01; done`, timeout: 1000,
			says: []string{`(timeout: 1000 ms)`, `tidied up"`}},
		{name: "a program that has closed its output runs on until it exits",
			script: `exec >&-; sleep 600`, timeout: 500,
			says: []string{`(timeout: 500 ms)`}},
		{name: "a program that does not read and does not end is ended",
			script: `sleep 600`, document: large, timeout: 500,
			says: []string{`(timeout: 500 ms)`}},
		{name: "a child that keeps the output open is waited for, and ended",
			script: `sleep 600 & echo ok`, timeout: 1000,
			says: []string{`(timeout: 1000 ms); the program exited, but a process that it started kept standard output open`}},
		{name: "children of children are ended",
			script: `for i in 1 2 3; do (for j in 1 2 3; do (trap '' TERM; sleep 600; :) & done; wait) & done`, timeout: 500,
			says: []string{`(timeout: 500 ms)`}},

		// What a success leaves behind.
		{name: "a child that let go of the output ends with the method",
			script: `sleep 600 >/dev/null 2>&1 & echo ok`, reply: "ok\n"},
		{name: "a child that let go of the output and ignores TERM ends with the method",
			script: `(trap '' TERM; sleep 600) >/dev/null 2>&1 & echo ok`, reply: "ok\n"},
		{name: "a child that holds standard error only ends with the method",
			script: `sleep 600 >/dev/null & echo ok`, reply: "ok\n"},
		{name: "children that have exited are reaped",
			script: `for i in 1 2 3 4 5; do (:) & done; echo ok`, reply: "ok\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			leader := filepath.Join(t.TempDir(), "leader")
			t.Setenv("LEADER", leader)
			t.Setenv("GREETING", "hello")
			m := script("echo $$ >$LEADER; " + row.script)
			if row.timeout != 0 {
				m.Timeout = row.timeout
			}
			reply, err := timed(t, m, row.document)
			methodtest.NoTrace(t, leader)
			if reply != row.reply {
				t.Errorf("the reply is %.100q, want %q", reply, row.reply)
			}
			if row.says != nil {
				methodtest.WantError(t, err, row.says...)
			} else if err != nil {
				t.Error(err)
			}
			if late := strings.Contains(fmt.Sprint(err), "(timeout: "); errors.Is(err, context.DeadlineExceeded) != late {
				t.Errorf("%v is context.DeadlineExceeded: %t", err, !late)
			}
		})
	}
}

// orphansAreReaped wants no child left when runs have gone on for a while.
func orphansAreReaped(t *testing.T) {
	t.Helper()
	methodtest.Eventually(t, "runs reap orphans", func() bool {
		_, _ = timed(t, script(":"), "")
		return len(methodtest.Processes(t, func(p methodtest.Process) bool { return p.Parent == os.Getpid() })) == 0
	})
}

func TestShellThatCannotStart(t *testing.T) {
	dir := t.TempDir()
	methodtest.Write(t, dir+"/plain", "#!/bin/sh\necho ok\n", 0o644)
	methodtest.Write(t, dir+"/strange", "#!/no/such/interpreter\n", 0o755)
	methodtest.Write(t, dir+"/nothing", "echo ok\n", 0o755)
	for _, row := range []struct {
		name, entrypoint string
		says             []string
	}{
		{"because it is missing", dir + "/missing",
			[]string{"starting " + dir + "/missing: no such file or directory: there is no such program: is it in the image"}},
		{"because it is missing from PATH", "no-such-program",
			[]string{"starting no-such-program: exec: \"no-such-program\": executable file not found in $PATH: there is no such program: is it in the image"}},
		{"because it is not executable", dir + "/plain",
			[]string{"starting " + dir + "/plain: permission denied: it may not be executed: chmod +x it"}},
		{"because it is a directory", dir,
			[]string{"starting " + dir + ": permission denied: it is a directory"}},
		{"because its interpreter is missing", dir + "/strange",
			[]string{"starting " + dir + "/strange: no such file or directory: it is there, but the interpreter in its first line"}},
		{"because it does not say what runs it", dir + "/nothing",
			[]string{"starting " + dir + "/nothing: exec format error: it is no program of this machine"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			methodtest.NoGrowth(t, func() {
				_, err := timed(t, written(row.entrypoint), "{}")
				methodtest.WantError(t, err, append(row.says, "running metric ("+row.entrypoint+"): ")...)
			})
		})
	}
}

func TestShellErrorsNameTheProgramAndNotItsArguments(t *testing.T) {
	for _, row := range []struct {
		entrypoint string
		command    []string
		shown      string
	}{
		{"./run", nil, "./run"},
		{"/bin/sh", []string{"s3cr3t"}, "/bin/sh, 1 argument"},
		{"python3", []string{"/metric.py", "--token=s3cr3t"}, "python3, 2 arguments"},
		{"curl -H 'X-Key: s3cr3t' http://host", []string{"-v"}, "curl ***, 1 argument"},
		{"TOKEN=s3cr3t curl", nil, "***"},
	} {
		if shown := (&shell{Settings: Settings{Entrypoint: row.entrypoint, Command: row.command}}).String(); shown != row.shown {
			t.Errorf("got  %s\nwant %s", shown, row.shown)
		}
	}
}

func TestShellLogsStandardErrorOfASuccess(t *testing.T) {
	for _, row := range []struct {
		name, script string
		logStderr    bool
		log          string
	}{
		{"when it is told to", `echo one >&2; echo two >&2`, true,
			`level=INFO msg="a method wrote to standard error" method=metric stderr="one\ntwo"` + "\n"},
		{"unless it is not told to", `echo one >&2`, false, ""},
		{"unless there is none", `:`, true, ""},
		{"unless it is a failure, whose error has it", `echo one >&2; exit 1`, true, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			m := script(row.script)
			m.Shell.LogStderr = row.logStderr
			runner, err := open(m, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
				ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					if a.Key == slog.TimeKey {
						return slog.Attr{}
					}
					return a
				}})), func(method.Run) {})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = runner.Run(t.Context(), method.Document{})
			if log.String() != row.log {
				t.Errorf("got  %swant %s", log.String(), row.log)
			}
		})
	}
}

func TestShellKeepsMemoryFlat(t *testing.T) {
	for name, text := range map[string]string{
		"in a gigabyte of reply":          `head -c 1073741824 /dev/zero`,
		"in a gigabyte of standard error": `head -c 1073741824 /dev/zero >&2`,
	} {
		t.Run(name, func(t *testing.T) {
			m := script(text)
			m.Timeout = 60_000
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = timed(t, m, "")
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
				t.Errorf("%d MiB were allocated", took>>20)
			}
		})
	}
}

// A process that calls setsid has left the group, and ends with the run all the same.
func TestShellEndsADaemon(t *testing.T) {
	for _, row := range []struct {
		name, daemon string
		says         string
	}{
		{"that let go of the pipes", "sleep 600 >/dev/null 2>&1", ""},
		{"that holds standard error", "sleep 600 >/dev/null", ""},
		{"that fills standard error", "yes >&2", ""},
		{"that holds all pipes", "sleep 600",
			"(timeout: 1000 ms); the program exited, but a process that it started kept standard output open " +
				"(send its output elsewhere, such as >/dev/null); its processes were ended"},
		{"that fills standard output", "yes", "a reply of more than 1048576 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("DIR", dir)
			m := script(`echo $$ >$DIR/leader; (exec setsid sh -c 'echo $$ >$DIR/daemon; exec ` + row.daemon +
				`') & until [ -s $DIR/daemon ]; do sleep 0.01; done; echo ok`)
			if strings.Contains(row.says, "timeout") {
				m.Timeout = 1000
			}
			var err error
			methodtest.NoGrowth(t, func() { _, err = timed(t, m, large) })
			if row.says != "" {
				methodtest.WantError(t, err, row.says)
			} else if err != nil {
				t.Error(err)
			}
			methodtest.NoTrace(t, dir+"/leader")
		})
	}
}

func TestShellLeavesOtherChildrenOfThisProcessAlone(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "exit 7")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	methodtest.Eventually(t, "the child has exited", func() bool {
		return len(methodtest.Processes(t, func(p methodtest.Process) bool { return p.PID == cmd.Process.Pid && p.State == "Z" })) == 1
	})
	if reply, err := timed(t, script("echo ok"), ""); reply != "ok\n" {
		t.Errorf("got %q, %v", reply, err)
	}
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("the exit status of a child of another part was lost: %v", cmd.ProcessState)
	}
}

func TestShellAtTheSameTimeGetsEachItsOwn(t *testing.T) {
	var runs sync.WaitGroup
	for i := range 50 {
		runs.Go(func() {
			m := script(fmt.Sprintf(`(:) & setsid true >/dev/null 2>&1 & cat; yes | head -c 60000 >&2; echo word %[1]d >&2; exit %[1]d`, i))
			m.Timeout = 60_000
			reply, err := mustNew(t, m).Run(t.Context(), method.Whole([]byte(fmt.Sprint("document ", i))))
			var exit *exec.ExitError
			switch {
			case i == 0:
				if reply != "document 0" || err != nil {
					t.Errorf("got %q, %v", reply, err)
				}
			case !errors.As(err, &exit) || exit.ExitCode() != i || !strings.Contains(err.Error(), fmt.Sprintf(`\nword %d"`, i)):
				t.Errorf("want exit status %d, got %v", i, err)
			}
		})
	}
	runs.Wait()
	orphansAreReaped(t)
}

// Of a thousand runs nothing is left: no process, no goroutine, no open file.
func TestShellThousandRuns(t *testing.T) {
	runsOut := func(text string) logic {
		m := script(text)
		m.Timeout = 20
		return m
	}
	mix := []logic{
		script(`:`),
		script(`cat`),
		script(`exit 3`),
		script(`kill -KILL $$`),
		written("/bin/true"),
		written("/no/such/program"),
		written("/etc/passwd"), // not executable
		script(`exec <&-; echo ok`),
		script(`head -c 1073741824 /dev/zero`),
		script(`sleep 600 >/dev/null 2>&1 & echo ok`),
		script(`setsid true & echo ok`),
		runsOut(`sleep 600`),
		runsOut(`sleep 600 & echo late`),
		runsOut(`trap '' TERM; sleep 600`),
	}
	methodtest.NoGrowth(t, func() {
		var workers sync.WaitGroup
		for worker := range 8 {
			workers.Go(func() {
				for i := worker; i < 1000; i += 8 {
					_, _ = mustNew(t, mix[i/8%len(mix)]).Run(t.Context(), method.Whole([]byte("{}")))
				}
			})
		}
		workers.Wait()
	})
	orphansAreReaped(t)
}

// The first process of a container gets all orphans without asking for them.
func TestShellAsTheFirstProcess(t *testing.T) {
	const again = "^TestShell(EndsADaemon|Leftovers.*|LeavesOther.*|AtTheSameTime.*|ThousandRuns)$"
	namespace := []string{"--pid", "--fork", "--kill-child", "--mount-proc"}
	if os.Getuid() != 0 {
		namespace = append(namespace, "--user", "--map-root-user")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", append(namespace, os.Args[0], "-test.run", again)...)
	cmd.Env = append(os.Environ(), methodtest.FirstProcess+"=yes")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func BenchmarkShell(b *testing.B) {
	runner := mustNew(b, written("/bin/true"))
	for b.Loop() {
		if _, err := runner.Run(b.Context(), method.Document{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkForkExec is the part of BenchmarkShell that is the system's.
func BenchmarkForkExec(b *testing.B) {
	for b.Loop() {
		if err := exec.Command("/bin/true").Run(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkShells runs a program for each of 500 pods, as many at a time as there are CPUs; BenchmarkForkExecs is the part of
// it that is the system's.
func BenchmarkShells(b *testing.B) {
	runner := mustNew(b, written("cat", "/etc/hostname"))
	document := bytes.Repeat([]byte("x"), 50<<10)
	many(b, func() error {
		_, err := runner.Run(b.Context(), method.Whole(document))
		return err
	})
}

func BenchmarkForkExecs(b *testing.B) {
	many(b, func() error {
		_, err := exec.Command("cat", "/etc/hostname").Output()
		return err
	})
}

func many(b *testing.B, run func() error) {
	for b.Loop() {
		var running sync.WaitGroup
		for cpu := range runtime.GOMAXPROCS(0) {
			running.Go(func() {
				for i := cpu; i < 500; i += runtime.GOMAXPROCS(0) {
					if err := run(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		running.Wait()
	}
}
