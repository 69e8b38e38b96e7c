// Package cli is the program as the terminal sees it: commands, flags, what is printed, and the exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/host"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kubectl"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// Exit codes. A supervisor may tell a configuration that can never work from a cluster that is away.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // a wrong configuration, flag or argument

	exitInterrupted = 130 // by Ctrl-C or SIGTERM, as shells have it
)

// Program is what the process is given by its system.
type Program struct {
	Name           string   // as it was called: kubectl-cpa is another program
	Arguments      []string // without the program's name
	Environment    []string
	Stdout, Stderr io.Writer
}

// Main runs the program and gives its exit code.
func Main(program Program) int {
	ctx, stop := commandline.UntilSignal()
	defer stop()
	command, arguments := root(program), version.WithoutOldFlags(program.Arguments, program.Stderr, "logVerbosity says how much is logged")
	switch program.Name {
	case kubectl.Name:
		command = kubectl.Command()
	case kubectl.CompleterName:
		command, arguments = kubectl.Command(), append([]string{cobra.ShellCompRequestCmd}, arguments...)
	}
	command.SetArgs(arguments)
	command.SetOut(program.Stdout)
	command.SetErr(program.Stderr)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(program.Stderr, "%s: %s\n", command.DisplayName(), secret.Mask(err.Error()))
	if _, wrong := errors.AsType[commandline.UsageError](err); wrong {
		return exitUsage
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	return exitFailed
}

func root(program Program) *cobra.Command {
	var file string
	var cluster host.Cluster
	command := &cobra.Command{
		Use:   "custom-pod-autoscaler",
		Short: "Scale a Kubernetes workload by your own logic",
		Long: `Custom Pod Autoscaler scales a Kubernetes workload by your own logic: two small programs
in any language, one that says what is known (metric) and one that says how many
replicas there should be (evaluate).

Without a subcommand it runs one autoscaler until it is stopped. Its configuration is
a file, overridden by environment variables that carry the exact names of its keys.`,
		Example: `  # in a pod: /config.yaml and the pod's service account
  custom-pod-autoscaler

  # on your machine, against the cluster of your kubeconfig
  custom-pod-autoscaler --config config.yaml --context kind-dev

  # one value changed
  minReplicas=3 custom-pod-autoscaler --config config.yaml`,
		Args:          commandline.Args(cobra.NoArgs),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(command *cobra.Command, _ []string) error {
			return run(command.Context(), program, file, cluster)
		},
	}
	sources(command, &file, &cluster)
	command.SetFlagErrorFunc(commandline.FlagError)
	versions := version.Command("custom-pod-autoscaler")
	versions.Args = commandline.Args(versions.Args)
	version.Flag(command)
	command.AddCommand(versions, checkCommand(program), initCommand(program), onceCommand(program), replayCommand(program), schemaCommand(), simulateCommand(program))
	return command
}

const configHelp = "configuration file (default: the environment variable configPath, /config.yaml, or config.yaml in this folder)"

// sources adds the flags that say where the configuration is, and which cluster to use.
func sources(command *cobra.Command, file *string, cluster *host.Cluster) {
	flags := command.Flags()
	flags.StringVarP(file, "config", "c", "", configHelp)
	commandline.ClusterFlags(flags, &cluster.Kubeconfig, &cluster.Context)
}
