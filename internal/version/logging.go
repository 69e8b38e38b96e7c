package version

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// oldFlags are those of the logging that the programs before had, glog's and zap's, and whether each wants a value.
var oldFlags = map[string]bool{
	"v": true, "vmodule": true, "stderrthreshold": true, "log_backtrace_at": true, "log_dir": true, "log_file": true, "log_file_max_size": true,
	"logtostderr": false, "alsologtostderr": false, "add_dir_header": false, "one_output": false, "skip_headers": false, "skip_log_headers": false,
	"zap-log-level": true, "zap-encoder": true, "zap-stacktrace-level": true, "zap-time-encoding": true, "zap-devel": false,
}

// WithoutOldFlags leaves out the flags of the logging that the programs before had, each with a warning: manifests that have them go on
// working. instead says what there is today.
func WithoutOldFlags(arguments []string, warnings io.Writer, instead string) []string {
	var rest []string
	for i := 0; i < len(arguments); i++ {
		argument := arguments[i]
		if argument == "--" {
			return append(rest, arguments[i:]...)
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(argument, "-"), "=")
		wantsValue, old := oldFlags[name]
		if !old || !strings.HasPrefix(argument, "-") {
			rest = append(rest, argument)
			continue
		}
		if wantsValue && !hasValue {
			if i+1 == len(arguments) || strings.HasPrefix(arguments[i+1], "-") { // -v without a number is --version
				rest = append(rest, argument)
				continue
			}
			i++
		}
		fmt.Fprintf(warnings, "warning: the flag %s is ignored: %s\n", strings.SplitN(argument, "=", 2)[0], instead)
	}
	return slices.Clip(rest)
}
