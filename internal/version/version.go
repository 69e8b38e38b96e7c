// Package version says what a program was built from. Both programs of this module do, and share nothing else by it.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// Release is the version of this source: the one place that says it. "make update-version" writes it everywhere else.
const Release = "v3.0.0-rc.1"

// Image is the tag of the images of this source, and the version of its chart.
func Image() string { return strings.TrimPrefix(Release, "v") }

// Version and Commit are set by the linker; a plain go build or go install leaves them to the build's own record.
var Version, Commit string

// Command prints it.
func Command(program string) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print version, commit and Go version",
		Example: "  " + program + " version",
		Args:    cobra.NoArgs,
		Run:     func(command *cobra.Command, _ []string) { fmt.Fprint(command.OutOrStdout(), text(program)) },
	}
}

func text(program string) string {
	version, commit := Built()
	return fmt.Sprintf("%s %s\ncommit %s\n%s %s/%s\n", program, version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// Flag lets a program print the same by --version.
func Flag(program *cobra.Command) {
	program.Version, _ = Built()
	program.SetVersionTemplate(text(program.DisplayName()))
}

// Built is what the linker was told, or else the build's own record.
func Built() (version, commit string) {
	version, commit = "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				commit = setting.Value
			}
		}
	}
	if Version != "" {
		version = Version
	}
	if Commit != "" {
		commit = Commit
	}
	return version, commit
}
