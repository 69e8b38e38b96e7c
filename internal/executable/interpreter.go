package executable

import (
	"path/filepath"
	"strings"
)

// Interpreter is a program that runs scripts.
type Interpreter struct {
	Idle []string // the arguments by which it does nothing
	Self []string // and by which it prints where it is; nil where there are none
}

// interpreters are known by the beginning of their names.
var interpreters = map[string]Interpreter{
	"python":  {[]string{"-c", ""}, []string{"-c", "import sys; print(sys.executable)"}},
	"node":    {[]string{"-e", ""}, []string{"-p", "process.execPath"}},
	"ruby":    {[]string{"-e", ""}, []string{"-e", "puts RbConfig.ruby"}},
	"perl":    {[]string{"-e", "1"}, []string{"-e", "print $^X"}},
	"php":     {[]string{"-r", ""}, []string{"-r", "echo PHP_BINARY;"}},
	"Rscript": {[]string{"-e", "1"}, nil},
	"java":    {[]string{"-version"}, nil},
}

// InterpreterOf tells an interpreter that is known by the path of its program.
func InterpreterOf(program string) (Interpreter, bool) {
	for name, of := range interpreters {
		if strings.HasPrefix(filepath.Base(program), name) {
			return of, true
		}
	}
	return Interpreter{}, false
}
