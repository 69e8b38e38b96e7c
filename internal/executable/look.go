package executable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// Look looks for the program that a method starts, and the script that it hands to an interpreter. The name is the method's, under where
// they are set, and often says that the program is started for each document.
func Look(ctx context.Context, name, under, entrypoint string, arguments []string, often bool) []finding.Item {
	item := finding.Fine(name+" program", "")
	path, err := exec.LookPath(entrypoint)
	if err != nil {
		item.Result, item.Says = finding.Error, fmt.Sprintf("%s: %v", secret.Program(entrypoint), reason(err))
		item.Fix = programFix(name+"."+under+".entrypoint", err)
		return []finding.Item{item}
	}
	item.Says = path
	if says, fix := firstLine(path); says != "" {
		item.Result, item.Says, item.Fix = finding.Error, path+" "+says, fix
	} else if says, fix := shim(ctx, path); says != "" && often {
		item.Result, item.Says, item.Fix = finding.Warning, path+" "+says, fix+" ("+name+"."+under+".entrypoint)"
	}
	script := scriptOf(arguments)
	if script == "" {
		return []finding.Item{item}
	}
	found := scriptItem(name, name+"."+under+".command", script)
	if found.Result == finding.OK && carriage(entrypoint, script) {
		found.Result, found.Says, found.Fix = finding.Error, script+" has lines that end as on Windows (CRLF), which a shell takes for parts of its commands", `write it with LF: sed -i 's/\r$//' `+script
	}
	return []finding.Item{item, found}
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
func scriptItem(name, key, script string) finding.Item {
	if _, err := os.Stat(script); err != nil {
		return finding.Warn(name+" script", script+": there is no such file here",
			"correct "+key+", or start this in the folder that the autoscaler is started in")
	}
	return finding.Fine(name+" script", script)
}
