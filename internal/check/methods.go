package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// Methods looks at what each method runs or calls. The servers are only asked for an answer where that is wanted.
func Methods(ctx context.Context, settings config.Config, ask bool) []Item {
	var items []Item
	for name, m := range settings.Methods() {
		switch {
		case m.Type == config.ShellMethod && m.Shell != nil:
			items = append(items, programs(ctx, name, "shell", m.Shell.Entrypoint, m.Shell.Command)...)
		case m.Type == config.WorkerMethod && m.Worker != nil:
			items = append(items, programs(ctx, name, "worker", m.Worker.Entrypoint, m.Worker.Command)...)
		case m.Type == config.HTTPMethod && m.HTTP != nil:
			items = append(items, server(ctx, name, *m, ask))
		}
	}
	if settings.Record != nil {
		items = append(items, recordItem(settings.Record.Path))
	}
	return items
}

// recordItem looks at the folder that is recorded to: the file is made when there is something to write.
func recordItem(path string) Item {
	folder := filepath.Dir(path)
	switch info, err := os.Stat(folder); {
	case err != nil:
		return Item{"record", Warning, fmt.Sprintf("%s: %v", folder, unwrapPath(err)), "mount a volume there, or correct record.path"}
	case !info.IsDir():
		return Item{"record", Warning, folder + " is no folder", "correct record.path"}
	}
	return ok("record", path)
}

// unwrapPath is an error without the path, which is said already.
func unwrapPath(err error) error {
	if named, is := errors.AsType[*fs.PathError](err); is {
		return named.Err
	}
	return err
}

// programs are the program that a method starts, and the script that it hands to an interpreter; under is where they are set.
func programs(ctx context.Context, name, under, entrypoint string, arguments []string) []Item {
	item := ok(name+" program", "")
	path, err := exec.LookPath(entrypoint)
	if err != nil {
		item.Result, item.Says = Error, fmt.Sprintf("%s: %v", secret.Program(entrypoint), reason(err))
		item.Fix = programFix(name+"."+under+".entrypoint", err)
		return []Item{item}
	}
	item.Says = path
	if says, fix := firstLine(path); says != "" {
		item.Result, item.Says, item.Fix = Error, path+" "+says, fix
	} else if says, fix := shim(ctx, path); says != "" && under == "shell" { // a worker is started once
		item.Result, item.Says, item.Fix = Warning, path+" "+says, fix+" ("+name+"."+under+".entrypoint)"
	}
	script := scriptOf(arguments)
	if script == "" {
		return []Item{item}
	}
	found := scriptItem(name, name+"."+under+".command", script)
	if found.Result == OK && carriage(entrypoint, script) {
		found.Result, found.Says, found.Fix = Error, script+" has lines that end as on Windows (CRLF), which a shell takes for parts of its commands", `write it with LF: sed -i 's/\r$//' `+script
	}
	return []Item{item, found}
}

// reason is an error without the program's name, which is said already.
func reason(err error) error {
	if named, is := errors.AsType[*exec.Error](err); is {
		return named.Err
	}
	return err
}

func programFix(key string, err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "chmod +x it, or make its interpreter the entrypoint (" + key + ")"
	}
	return "install it, or correct " + key + "; it is looked for in PATH, or, with a slash in it, from the folder that this was started in"
}

// scriptOf is the first argument where that is a file by its looks: not a flag, nor a piece of code behind one.
func scriptOf(arguments []string) string {
	if len(arguments) == 0 {
		return ""
	}
	first := arguments[0]
	if !scriptName.MatchString(first) {
		return ""
	}
	return first
}

// scriptName is the path of a script: a token may have dots, too, so that the extension has to be a known one.
var scriptName = regexp.MustCompile(`^[\w./][\w./@+~-]*\.(?:awk|bash|cjs|class|dll|ex|exs|jar|js|jl|kts|lua|mjs|php|pl|ps1|py|pyc|pyz|R|r|rb|sh|tcl|ts)$`)

// scriptItem is only a warning where there is no such file: it may be no file's name at all.
func scriptItem(name, key, script string) Item {
	if _, err := os.Stat(script); err != nil {
		return Item{name + " script", Warning, script + ": there is no such file here",
			"correct " + key + ", or start this in the folder that the autoscaler is started in"}
	}
	return ok(name+" script", script)
}

// server is an http method's. Whether the URL is one was asked by the rules of the configuration.
func server(ctx context.Context, name string, m config.Method, ask bool) Item {
	check := name + " url"
	address, err := url.Parse(m.HTTP.URL)
	if err != nil {
		return Item{check, Error, "it cannot be read", "correct " + name + ".http.url"}
	}
	shown := secret.URL(address.String())
	if !ask {
		return ok(check, shown)
	}
	status, err := method.Probe(ctx, m)
	if err != nil {
		return Item{check, Error, shown + ": " + err.Error(), ""}
	}
	says := fmt.Sprintf("%s answers HEAD with %d %s", shown, status, http.StatusText(status))
	if status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented {
		return Item{check, Warning, says + ", so that it is there, and no more is known", "see whether it answers " + m.HTTP.Method + ": custom-pod-autoscaler once"}
	}
	if odd(status) {
		return Item{check, Warning, says, "see whether it answers " + m.HTTP.Method + " better, and correct " + name + ".http"}
	}
	return ok(check, says)
}

// odd tells an answer that may be one to user logic's request, too.
func odd(status int) bool { return status >= http.StatusMultipleChoices }
