package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version and Commit are set by the linker; a plain go build or go install leaves them to the build's own record.
var Version, Commit string

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print version, commit and Go version",
		Args:  usageArgs(cobra.NoArgs),
		Run: func(command *cobra.Command, _ []string) {
			version, commit := built()
			fmt.Fprintf(command.OutOrStdout(), "custom-pod-autoscaler %s\ncommit %s\n%s %s/%s\n",
				version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

func built() (version, commit string) {
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
